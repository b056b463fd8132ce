import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadCentralConfig } from '../../central/config/config.ts';
import { loadGatewayConfig } from '../../daemon/config/config.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { freeLoopbackPort, openDemoFolder } from './folder.ts';

const random = new SeededRandom(1);
let parent = '';
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'mooring-demo-'));
});
afterEach(() => rmSync(parent, { recursive: true, force: true }));

test('the configurations that it writes are right, meet at one port and keep everything in the folder', async () => {
  const port = await freeLoopbackPort();
  using folder = openDemoFolder(join(parent, 'new', 'data'), { port, random });
  const gateway = loadGatewayConfig(folder.gatewayConfig);
  const centre = loadCentralConfig(folder.centralConfig);
  expect(gateway.store.path).toBe(folder.store);
  expect(gateway.forward).toMatchObject([{ mqtt: { url: `mqtt://127.0.0.1:${port}` } }]);
  expect(centre.ingest.mqtt).toMatchObject({ mode: 'embedded', listen: { host: '127.0.0.1', port } });
  expect(centre.sinks).toMatchObject([{ path: folder.records }, { path: folder.acks }]);
  expect(centre.stateDir).toBe(join(folder.path, 'central'));
});

test('with a Kafka the files decide about acknowledgements, and the topics are of this folder, whenever it is used', () => {
  const prefixes = ['one', 'other', 'one'].map((name) => {
    using folder = openDemoFolder(join(parent, name), { port: 1, kafka: '[::1]:9092', random });
    const { kafka, ack } = loadCentralConfig(folder.centralConfig);
    expect(kafka).toMatchObject({
      brokers: ['[::1]:9092'],
      partitions: 1,
      replication: 1,
      prefix: folder.kafka?.prefix,
    });
    expect(ack).toEqual(['archive']);
    return kafka?.prefix;
  });
  expect(prefixes[0]).toMatch(/^mooring-demo-[0-9a-f]{8}$/);
  expect(prefixes[1]).not.toBe(prefixes[0]);
  expect(prefixes[2]).toBe(prefixes[0]);
});

test('a folder has one demo, and is free again after it', () => {
  const first = openDemoFolder(parent, { port: 1, random });
  expect(() => openDemoFolder(parent, { port: 1, random })).toThrow(
    expect.objectContaining({ code: 'LOCK_HELD', message: `another demo is running in ${parent}` }),
  );
  first[Symbol.dispose]();
  openDemoFolder(parent, { port: 1, random })[Symbol.dispose]();
});

test('what cannot be a folder is refused with its name', () => {
  const path = join(parent, 'file');
  writeFileSync(path, '');
  expect(() => openDemoFolder(path, { port: 1, random })).toThrow(
    expect.objectContaining({ code: 'LOCK_FAILED', message: `the demo cannot use the folder ${path}` }),
  );
  expect(existsSync(`${path}.lock`)).toBe(false);
});
