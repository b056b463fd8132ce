import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { formatProblem, problemsOf } from '../runtime/config/problem.ts';
import { centralConfigOf, gatewayConfigOf } from './config-kind.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mooring-kind-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const GATEWAY =
  'gateway: plaka\nstations: [{ name: a, sensors: [{ driver: sim, profile: city, seed: 7 }] }]\nstore: { path: s }\n';
const CENTRE = 'ingest: { mqtt: { listen: 127.0.0.1:1883 } }\nsinks: { a: { files: { path: r } } }\nstate: s\n';

const refusalOf = (open: (path: string) => unknown, text: string): string[] => {
  const file = join(folder, 'x.yaml');
  writeFileSync(file, text);
  try {
    open(file);
  } catch (error) {
    return problemsOf(error).map((problem) => formatProblem(problem).replaceAll(file, 'x.yaml'));
  }
  return [];
};

test("the other program's configuration is refused in one line that names its verb", () => {
  expect(refusalOf(gatewayConfigOf, CENTRE)).toEqual([
    "x.yaml:1:1 (file): is a centre's configuration. Run: `mooring central -c x.yaml`.",
  ]);
  expect(refusalOf(centralConfigOf, GATEWAY)).toEqual([
    "x.yaml:1:1 (file): is a gateway's configuration. Run: `mooring run -c x.yaml`.",
  ]);
});

test('the own one is read, and one that is neither is told key by key', () => {
  expect(refusalOf(gatewayConfigOf, GATEWAY)).toEqual([]);
  expect(refusalOf(centralConfigOf, CENTRE)).toEqual([]);
  expect(refusalOf(gatewayConfigOf, 'gatewy: plaka\n').join()).toContain('gatewy: unknown key');
});
