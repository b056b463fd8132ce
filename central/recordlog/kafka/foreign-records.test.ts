import { beforeEach, expect, test } from 'vitest';
import { MooringError } from '../../../runtime/errors.ts';
import { silentLog } from '../../../runtime/log.ts';
import { SeededRandom } from '../../../runtime/random.ts';
import { SteppedClock } from '../../../sim/clock.ts';
import { MemoryKafka } from '../../../sim/memory-kafka.ts';
import { PowerCutDisk } from '../../../test/conformance/power-cut-disk.ts';
import type { ForeignEntry, ForeignFailure, ForeignFate } from '../../ingest/foreign/foreign-log.ts';
import { KafkaForeignLetters, KafkaForeignLog } from './foreign-records.ts';
import { LogLink } from './log-link.ts';
import { partitionOf } from './partitioner.ts';
import { topicNamesOf } from './topics.ts';

const PARTITIONS = 3;
const RECORDS = 'mooring.records';
const LETTERS = 'mooring.deadletter';

let clock: SteppedClock;
let kafka: MemoryKafka;
let log: KafkaForeignLog;
let letters: KafkaForeignLetters;
beforeEach(() => {
  clock = new SteppedClock();
  kafka = new MemoryKafka();
});

async function opened(): Promise<void> {
  const brokers = ['127.0.0.1:9092'];
  const topics = { names: topicNamesOf('mooring'), partitions: PARTITIONS, replication: 1, retentionMs: 1, brokers };
  const link = new LogLink({
    client: kafka,
    topics,
    stateDir: '/state',
    clock,
    random: new SeededRandom(1),
    log: silentLog,
    disk: new PowerCutDisk(new SeededRandom(1)),
    onFatal: (error) => {
      throw error;
    },
  });
  log = new KafkaForeignLog({ link, topics, clock });
  letters = new KafkaForeignLetters({ link, topics, clock });
  await link.open(new AbortController().signal);
  await clock.advance(10);
}

function entryOf(station: string, value: number | string = 1): ForeignEntry {
  const timestamp = '2026-01-01T00:00:00.000Z';
  const flat = {
    id: `${station} ${value}`,
    gateway: 'city',
    station,
    kind: 'sample',
    timestamp,
    clock: 'unsynced',
    value,
  };
  return { flat, json: JSON.stringify(flat) };
}

async function appended(...entries: readonly ForeignEntry[]): Promise<readonly (ForeignFate | ForeignFailure)[]> {
  const [fates] = await Promise.all([log.append(entries), clock.advance(30_000)]);
  return fates;
}

test('each record is told its place, in the partition of its source and station', async () => {
  await opened();
  const entries = ['one', 'two', 'one', 'three', 'four'].map((station, index) => entryOf(station, index));
  const fates = await appended(...entries);
  for (const [index, { flat, json }] of entries.entries()) {
    const { partition, offset } = fates[index] as { partition: number; offset: number };
    expect(partition).toBe(partitionOf(`city/${flat.station}`, PARTITIONS));
    const { key, value } = kafka.messages(RECORDS)[partition]?.[offset] ?? {};
    expect([key, value?.toString()]).toEqual([`city/${flat.station}`, json]);
  }
  // What waits while the first is under way goes together.
  expect(kafka.sends.map(({ length }) => length)).toEqual([1, 4]);
});

test('an answer that is lost costs a second copy, and the place is one that has it', async () => {
  await opened();
  kafka.faults.answersLost = 1;
  const entries = [entryOf('one', 1), entryOf('one', 2)];
  const places = (await appended(...entries)) as { partition: number; offset: number }[];
  const stored = kafka.messages(RECORDS)[places[0]?.partition ?? -1] ?? [];
  expect(stored).toHaveLength(3);
  expect(places.map(({ offset }) => stored[offset]?.value.toString())).toEqual(entries.map(({ json }) => json));
});

test('one that the log never takes costs no other', async () => {
  await opened();
  kafka.faults.refuses = ({ value }) => value.includes('poison');
  const fates = await appended(entryOf('one', 1), entryOf('one', 'poison'), entryOf('one', 'x'.repeat(2_000_000)));
  expect(fates).toEqual([
    { partition: expect.any(Number), offset: 0 },
    { refused: 'refused_by_log' },
    { refused: 'too_large' },
  ]);
});

test('while Kafka is away, records and letters are refused', async () => {
  kafka.faults.isGone = true;
  await opened();
  const letter = { source: 'city', topic: undefined, bytes: Buffer.from('x'), receivedAtMs: 0, refused: [] };
  expect(await log.append([entryOf('one')])).toMatchObject([{ failure: { code: 'LOG_FAILED' } }]);
  await expect(letters.append(letter)).rejects.toMatchObject({ code: 'LOG_FAILED' });
});

test('what is durable when the time is over is told, also where others may be missing', async () => {
  const away = new MooringError('LOG_FAILED', 'the broker is away');
  const link: Pick<LogLink, 'produce'> = {
    produce: async ({ messages: [first] }) => {
      if (first?.key === 'city/two') throw away;
      return await Promise.resolve({ span: { first: 7, last: 7 }, refused: [] });
    },
  };
  const names = topicNamesOf('mooring');
  const topics = { names, partitions: PARTITIONS, replication: 1, retentionMs: 1, brokers: [] };
  const both = new KafkaForeignLog({ link, topics, clock }).append([entryOf('one'), entryOf('two')]);
  expect(await both).toEqual([{ partition: expect.any(Number), offset: 7 }, { failure: away }]);
});

test('a refused message is durable with all that is known of it', async () => {
  await opened();
  const part = { code: 'name_collision', reason: 'another device', text: 'TH 1' } as const;
  const head = { source: 'city', topic: 'a/b', receivedAtMs: 0, refused: [part, part] };
  const append = (bytes: Uint8Array) => letters.append({ ...head, bytes });
  await Promise.all([append(Buffer.from('{"a":1}')), clock.advance(10)]);
  await Promise.all([append(Buffer.of(0xff, 0x00)), clock.advance(10)]);
  const kept = kafka.messages(LETTERS)[partitionOf('city', PARTITIONS)] ?? [];
  expect(kept.map(({ key }) => key)).toEqual(['city', 'city']);
  const common = { reason: 'another device, and 1 more', code: 'name_collision', source: 'city', topic: 'a/b' };
  expect(kept.map(({ value }) => JSON.parse(value.toString()))).toMatchObject([
    { ...common, received_at: '1970-01-01T00:00:00.000Z', bytes: 7, parts: [part, part], message: '{"a":1}' },
    { ...common, bytes: 2, message_base64: '/wA=' },
  ]);
});

test('a topic of dead letters that refuses one keeps its message from being taken', async () => {
  await opened();
  kafka.faults.refuses = () => true;
  const letter = { source: 'city', topic: undefined, bytes: Buffer.from('x'), receivedAtMs: 0, refused: [] };
  const refused = expect(letters.append(letter)).rejects.toMatchObject({
    code: 'LOG_FAILED',
    hint: /max.message.bytes/,
  });
  await clock.advance(10);
  await refused;
});
