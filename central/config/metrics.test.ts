import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { MooringError } from '../../runtime/errors.ts';
import { loadCentralConfig } from './config.ts';
import type { CentralConfig } from './types.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mooring-config-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function load(lines: string): CentralConfig {
  const path = join(folder, 'central.yaml');
  writeFileSync(
    path,
    `ingest: { mqtt: { listen: 127.0.0.1:0 } }\nsinks: { archive: { files: { path: records } } }\nstate: state\n${lines}\n`,
  );
  return loadCentralConfig(path);
}

function messagesOf(lines: string): readonly string[] {
  try {
    load(lines);
    return [];
  } catch (error) {
    const { problems } = (error as MooringError).context as { readonly problems: readonly { message: string }[] };
    return problems.map(({ message }) => message);
  }
}

test('metrics are served on loopback without a token, and their files are named from the configuration', () => {
  expect(load('metrics: { listen: 127.0.0.1:9464, gateways: gateways.txt }').metrics).toEqual({
    listen: { host: '127.0.0.1', port: 9464 },
    tokenFile: undefined,
    gatewaysFile: join(folder, 'gateways.txt'),
  });
  expect(load('').metrics).toBeUndefined();
});

test('metrics that others can reach want a token', () => {
  expect(messagesOf('metrics: { listen: 0.0.0.0:9464 }')).toEqual([
    'can be reached from other machines without `token`',
  ]);
  expect(messagesOf('metrics: { listen: 0.0.0.0:9464, token: metrics.token }')).toEqual([]);
});

test('the live feed keeps five minutes, and beyond loopback wants a token', () => {
  expect(load('live: { listen: 127.0.0.1:8081, origins: [https://grafana.example], legacy: ntua }').live).toEqual({
    listen: { host: '127.0.0.1', port: 8081 },
    tokenFile: undefined,
    historyMs: 300_000,
    queueBytes: 262_144,
    origins: ['https://grafana.example'],
    legacy: 'ntua',
  });
  expect(messagesOf('live: { listen: 0.0.0.0:8081 }')).toEqual(['can be reached from other machines without `token`']);
  expect(messagesOf('live: { listen: 127.0.0.1:8081, origins: [grafana.example] }')).toEqual(['is not an origin']);
});
