import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadCentralConfig } from '../../central/config/config.ts';
import { loadGatewayConfig } from '../../daemon/config/config.ts';
import { freeLoopbackPort, openDemoFolder } from './folder.ts';

let parent = '';
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'mooring-demo-'));
});
afterEach(() => rmSync(parent, { recursive: true, force: true }));

test('the configurations that it writes are right, meet at one port and keep everything in the folder', async () => {
  const port = await freeLoopbackPort();
  using folder = openDemoFolder(join(parent, 'new', 'data'), port);
  const gateway = loadGatewayConfig(folder.gatewayConfig);
  const centre = loadCentralConfig(folder.centralConfig);
  expect(gateway.store.path).toBe(folder.store);
  expect(gateway.forward).toMatchObject([{ mqtt: { url: `mqtt://127.0.0.1:${port}` } }]);
  expect(centre.ingest.mqtt).toMatchObject({ mode: 'embedded', listen: { host: '127.0.0.1', port } });
  expect(centre.sinks.map(({ path }) => path)).toEqual([folder.records, folder.acks]);
  expect(centre.stateDir).toBe(join(folder.path, 'central'));
});

test('a folder has one demo, and is free again after it', () => {
  const first = openDemoFolder(parent, 1);
  expect(() => openDemoFolder(parent, 1)).toThrow(
    expect.objectContaining({ code: 'LOCK_HELD', message: `another demo is running in ${parent}` }),
  );
  first[Symbol.dispose]();
  openDemoFolder(parent, 1)[Symbol.dispose]();
});

test('what cannot be a folder is refused with its name', () => {
  const path = join(parent, 'file');
  writeFileSync(path, '');
  expect(() => openDemoFolder(path, 1)).toThrow(
    expect.objectContaining({ code: 'LOCK_FAILED', message: `the demo cannot use the folder ${path}` }),
  );
  expect(existsSync(`${path}.lock`)).toBe(false);
});
