import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { formatProblem, problemsOf } from '../../../runtime/config/problem.ts';
import { loadCentralConfig } from '../config.ts';
import type { SinkConfig } from '../types.ts';

let folder = '';
let file = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mooring-stores-'));
  file = join(folder, 'central.yaml');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function load(sink: string): SinkConfig | undefined {
  writeFileSync(file, `kafka: { brokers: [127.0.0.1:9092] }\nsinks:\n  one: ${sink}\nstate: s\n`);
  return loadCentralConfig(file).sinks[0];
}

function problemsIn(sink: string): string[] {
  try {
    load(sink);
    return [];
  } catch (error) {
    return problemsOf(error).map((problem) => formatProblem(problem).replace(`${file}:`, ''));
  }
}

test('a postgres needs a host; a user comes with the file of a password', () => {
  expect(load('{ postgres: { host: db } }')).toEqual({
    kind: 'postgres',
    name: 'one',
    place: 'db:5432',
    batch: 1000,
    lingerMs: 0,
    take: {},
    options: {
      name: 'one',
      host: 'db',
      port: 5432,
      ...{ database: 'mooring', schema: 'public', table: 'records', period: 'month' },
    },
  });
  const kind = 'postgres: { host: 10.0.0.5, port: 5433, schema: home, table: data, period: day, retention: 90d }';
  expect(load(`{ ${kind}, user: u, password: pw, ca: ca.pem }`)).toMatchObject({
    place: '10.0.0.5:5433',
    options: {
      ...{ port: 5433, schema: 'home', table: 'data', period: 'day', retentionMs: 90 * 86_400_000 },
      ...{ user: 'u', passwordFile: join(folder, 'pw'), caFile: join(folder, 'ca.pem') },
    },
  });
});

test('a name that leaves no room for the date of a partition is refused, and half a login is', () => {
  expect(problemsIn(`{ postgres: { host: db, table: ${'t'.repeat(55)}, period: year } }`)).toEqual([
    '3:39 sinks.one.postgres.table: is not the name of a table. It has 1 to 54 letters, digits, $, _ and -.',
    expect.stringContaining('sinks.one.postgres.period'),
  ]);
  expect(problemsIn('{ postgres: { host: db }, user: u }')).toEqual([expect.stringContaining('stands without')]);
});
