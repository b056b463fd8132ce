import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { KAFKA_CLIENTS } from '../../central/config/types.ts';
import type { ForeignEntry, ForeignPlace } from '../../central/ingest/foreign/foreign-log.ts';
import { createKafkaClient } from '../../central/recordlog/kafka/clients.ts';
import { KafkaForeignLetters, KafkaForeignLog } from '../../central/recordlog/kafka/foreign-records.ts';
import { LogLink } from '../../central/recordlog/kafka/log-link.ts';
import { topicNamesOf } from '../../central/recordlog/kafka/topics.ts';
import { systemClock } from '../../runtime/clock.ts';
import { silentLog } from '../../runtime/log.ts';
import { systemRandom } from '../../runtime/random.ts';
import { sharedKafka } from '../kafka/shared.ts';
import { Topics } from '../kafka/topics.ts';

const SLOW_MS = 120_000;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mooring-foreign-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function entryOf(index: number): ForeignEntry {
  const timestamp = '2026-01-01T00:00:00.000Z';
  const head = { id: `id ${index}`, gateway: 'city', station: `s-${index % 7}`, kind: 'sample', timestamp };
  const flat = { ...head, clock: 'unsynced', index };
  return { flat, json: JSON.stringify(flat) };
}

describe('records of existing devices on a real Kafka', { tags: ['kafka'], timeout: SLOW_MS }, () => {
  let address: string;
  beforeAll(async () => {
    address = await sharedKafka();
  }, SLOW_MS);

  test.each(KAFKA_CLIENTS)('%s: every one is where its place says, and a letter is durable', async (kind) => {
    const names = topicNamesOf(`foreign-${Buffer.from(systemRandom.bytes(8)).toString('hex')}`);
    const topics = { names, partitions: 3, replication: 1, retentionMs: 86_400_000, brokers: [address] };
    const common = { clock: systemClock, log: silentLog };
    const client = await createKafkaClient(kind, { brokers: [address], clientId: 'test', ...common });
    const link = new LogLink({
      ...common,
      client,
      topics,
      stateDir: join(folder, 'state'),
      random: systemRandom,
      onFatal: (error) => {
        throw error;
      },
    });
    await link.open(AbortSignal.timeout(SLOW_MS));
    await link.ready;
    const log = new KafkaForeignLog({ link, topics, clock: systemClock });
    const entries = Array.from({ length: 400 }, (_, index) => entryOf(index));
    const places = (await Promise.all([log.append(entries.slice(0, 150)), log.append(entries.slice(150))])).flat();
    const refused = [{ code: 'invalid_record', reason: 'is no number', text: 'x' }] as const;
    const letter = { source: 'city', topic: 'a', bytes: Buffer.from('x'), receivedAtMs: 0, refused };
    await new KafkaForeignLetters({ link, topics, clock: systemClock }).append(letter);
    await link.close();

    const stored = await new Topics(address).read(names.records);
    const at = new Map(stored.map(({ partition, offset, key, value }) => [`${partition}/${offset}`, { key, value }]));
    for (const [index, { flat, json }] of entries.entries()) {
      const { partition, offset } = places[index] as ForeignPlace;
      expect(at.get(`${partition}/${offset}`)).toEqual({ key: `city/${flat.station}`, value: json });
    }
    const letters = await new Topics(address).read(names.deadLetter);
    expect(letters.map(({ value }) => JSON.parse(value))).toMatchObject([{ source: 'city', message: 'x' }]);
  });
});
