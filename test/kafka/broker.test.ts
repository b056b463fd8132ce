/** The Kafka that other tests stand on. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import kafkajs, { type Kafka } from 'kafkajs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../runtime/clock.ts';
import { systemRandom } from '../../runtime/random.ts';
import { startLink } from '../../sim/link.ts';
import { Programs } from '../processes.ts';
import { KafkaBroker } from './broker.ts';
import { sharedKafka } from './shared.ts';

const TIMEOUT_MS = 180_000;

let folder: string;
let programs: Programs;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mooring-broker-'));
  programs = new Programs();
});
afterEach(async () => {
  await programs.end();
  rmSync(folder, { recursive: true, force: true });
});

function clientOf(address: string): Kafka {
  return new kafkajs.Kafka({ brokers: [address], logLevel: kafkajs.logLevel.NOTHING, retry: { retries: 20 } });
}

async function clusterId(address: string): Promise<string> {
  const admin = clientOf(address).admin();
  await admin.connect();
  const { clusterId: id } = await admin.describeCluster();
  await admin.disconnect();
  return id;
}

describe('a Kafka of its own', { tags: ['kafka'] }, () => {
  test('it serves when it has started, and is the same one after a kill', { timeout: TIMEOUT_MS }, async () => {
    const broker = await KafkaBroker.prepare({ folder, programs });
    await broker.start();
    const id = await clusterId(broker.address);
    await broker.kill();
    await broker.start();
    expect(await clusterId(broker.address)).toBe(id);
    await broker.stop();
  });

  test('who comes through a proxy stays behind it', { timeout: TIMEOUT_MS }, async () => {
    const broker = await KafkaBroker.prepare({ folder, programs, edge: true });
    const link = await startLink({ target: broker.edgePort, clock: systemClock, random: systemRandom });
    try {
      broker.advertiseEdge(link.port);
      await broker.start();
      const admin = clientOf(`127.0.0.1:${link.port}`).admin();
      await admin.connect();
      const { brokers } = await admin.describeCluster();
      await admin.disconnect();
      expect(brokers.map(({ port }) => port)).toEqual([link.port]);
    } finally {
      await link.close();
    }
  });

  test('the shared one is the same for everybody', { timeout: TIMEOUT_MS }, async () => {
    const [one, other] = await Promise.all([sharedKafka(), sharedKafka()]);
    expect(one).toBe(other);
    expect(await clusterId(one)).toMatch(/^[\w-]{22}$/);
  });
});
