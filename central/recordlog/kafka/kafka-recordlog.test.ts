import { beforeEach, expect, test } from 'vitest';
import { countOf } from '../../../protocol/intervals.ts';
import { MooringError } from '../../../runtime/errors.ts';
import { MemoryKafka } from '../../../sim/memory-kafka.ts';
import { entryOf, flatOf, runOf, span } from '../../../test/conformance/entries.ts';
import { LogBench } from '../../../test/kafka/log-bench.ts';
import { LogLines } from '../../../test/log-lines.ts';
import type { LogEntry } from '../recordlog.ts';
import { encodeAckMessage } from './acks.ts';
import type { KafkaConsumerOptions } from './client.ts';

const RUN = runOf(1);
const { RECORDS, ACKS, PARTITION } = LogBench;
const _ARCHIVE = 'mooring.archive';

let bench: LogBench;

beforeEach(() => {
  bench = new LogBench();
});

test('a record is stored when it is in its partition, and the word of it in the same one of the acknowledgements', async () => {
  const log = await bench.opened();
  const result = bench.append(log, entryOf(RUN, [1, 2, 3, 7]));
  await bench.clock.advance(0);
  expect(result.outcome).toEqual({
    stored: [
      [1, 3],
      [7, 7],
    ],
    added: 4,
    held: [],
    rejected: [],
  });
  expect(
    bench.kafka.messages(RECORDS)[PARTITION]?.map(({ key, value }) => [key, JSON.parse(value.toString())]),
  ).toEqual([1, 2, 3, 7].map((sequence) => ['plaka', flatOf(RUN, sequence)]));
  expect(bench.kafka.messages(ACKS)[PARTITION]?.map(({ key, value }) => [key, JSON.parse(value.toString())])).toEqual([
    [
      'plaka',
      {
        run: RUN,
        gateway: 'plaka',
        partition: PARTITION,
        first: 0,
        last: 3,
        stored: [
          [1, 3],
          [7, 7],
        ],
      },
    ],
  ]);
  expect([1, 3, 4, 7, 8].map((sequence) => log.isAcknowledged(RUN, sequence))).toEqual([
    true,
    true,
    false,
    true,
    false,
  ]);
  await bench.close(log);
});

test('nothing is said before its acknowledgement is durable; a repeat then needs no more than that', async () => {
  const log = await bench.opened();
  bench.kafka.faults.refuses = ({ topic }) => topic === ACKS;
  const first = bench.append(log, entryOf(RUN, [1, 2]));
  await bench.clock.advance(1000);
  expect(first.error?.code).toBe('LOG_FAILED');
  expect(log.isAcknowledged(RUN, 1)).toBe(false);
  bench.kafka.faults.refuses = () => false;
  const repeat = bench.append(log, entryOf(RUN, [1, 2, 3]));
  await bench.clock.advance(0);
  expect(repeat.outcome).toEqual({ stored: [[1, 3]], added: 1, held: [], rejected: [] });
  expect(bench.produced()).toEqual([1, 1, 1]);
  await bench.close(log);
});

test('an append has an end before its gateway sends again, and who repeats it shares what is still under way', async () => {
  const log = await bench.opened();
  const first = bench.append(log, entryOf(RUN, [1]));
  bench.kafka.faults.refuses = ({ topic }) => {
    // The acknowledgement is the first that hangs.
    if (topic === RECORDS) bench.kafka.faults.hangs = true;
    return false;
  };
  await bench.clock.advance(17_900);
  expect(first).toEqual({});
  await bench.clock.advance(100);
  expect(first.error?.code).toBe('LOG_FAILED');
  const repeat = bench.append(log, entryOf(RUN, [1]));
  bench.kafka.release();
  await bench.clock.advance(100);
  expect(repeat.outcome).toMatchObject({ stored: [[1, 1]], added: 0 });
  expect(bench.produced()).toEqual([1]);
  expect(bench.acked('stored')).toEqual([[1, 1]]);
  await bench.close(log);
});

test('appends that overlap are produced once, and each hears the truth', async () => {
  const log = await bench.opened();
  bench.kafka.faults.hangs = true;
  const results = [[1, 2, 3], [2, 3, 4], [1, 4], [3]].map((sequences) => bench.append(log, entryOf(RUN, sequences)));
  await bench.clock.advance(0);
  bench.kafka.release();
  await bench.clock.advance(0);
  expect(results.map(({ outcome }) => outcome?.added)).toEqual([3, 1, 0, 0]);
  expect(results.map(({ outcome }) => countOf(outcome?.stored ?? []))).toEqual([3, 3, 2, 1]);
  expect(bench.produced()).toEqual([1, 1, 1, 1]);
  await bench.close(log);
});

test('what an overlapping append has failed to produce is produced by the other', async () => {
  const log = await bench.opened();
  const entry = entryOf(RUN, [1, 2]);
  bench.kafka.faults.hangs = true;
  const first = bench.append(log, entry);
  await bench.clock.advance(15_000);
  const second = bench.append(log, entry);
  await bench.clock.advance(6000);
  expect(first.error?.code).toBe('LOG_FAILED');
  bench.kafka.release();
  await bench.clock.advance(5000);
  expect(second.outcome).toMatchObject({ stored: [[1, 2]] });
  await bench.close(log);
});

test('a Kafka that is absent at the start is waited for, and meanwhile everything is rejected at once', async () => {
  bench.kafka.faults.isGone = true;
  const log = await bench.opened();
  for (let minutes = 0; minutes < 10; minutes += 1) {
    const early = bench.append(log, entryOf(RUN, [1]));
    await bench.clock.advance(60_000);
    expect(early.error?.code).toBe('LOG_FAILED');
  }
  bench.kafka.faults.isGone = false;
  await bench.clock.advance(6000);
  const result = bench.append(log, entryOf(RUN, [1]));
  await bench.clock.advance(10);
  expect(result.outcome?.stored).toEqual([[1, 1]]);
  expect(bench.fatal).toEqual([]);
  await bench.close(log);
});

test('a record that is too large, and one that the broker refuses, are rejected with their codes, and the others stored', async () => {
  const log = await bench.opened({ recordBytesMax: 4096 });
  bench.kafka.faults.refuses = ({ value }) => value.includes('"x_poison"');
  const entry = entryOf(RUN, span(1, 5));
  const spoilt = (sequence: number, more: Readonly<Record<string, string>>) => ({
    sequence,
    flat: { ...flatOf(RUN, sequence), ...more },
  });
  const [one, , three, , five] = entry.records as [LogEntry['records'][0], unknown, never, unknown, never];
  const records = [one, spoilt(2, { x_note: 'x'.repeat(5000) }), three, spoilt(4, { x_poison: '' }), five];
  const result = bench.append(log, { ...entry, records });
  await bench.clock.advance(100);
  expect(result.outcome).toMatchObject({
    stored: [
      [1, 1],
      [3, 3],
      [5, 5],
    ],
    added: 3,
    rejected: [
      { ranges: [[2, 2]], code: 'too_large' },
      { ranges: [[4, 4]], code: 'refused_by_log' },
    ],
  });
  expect(bench.acked('stored')).toEqual([
    [1, 1],
    [3, 3],
    [5, 5],
  ]);
  await bench.close(log);
});

test('what another copy, or an earlier process, has acknowledged is not produced again', async () => {
  const first = await bench.opened();
  bench.append(first, entryOf(RUN, span(1, 20)));
  await bench.clock.advance(10);
  const second = await bench.opened();
  const early = bench.append(second, entryOf(RUN, span(11, 25)));
  await bench.clock.advance(10);
  expect(early.outcome).toMatchObject({ stored: [[11, 25]], added: 5 });
  const back = bench.append(first, entryOf(RUN, span(15, 25)));
  await bench.clock.advance(10);
  expect(back.outcome).toMatchObject({ stored: [[15, 25]], added: 0 });
  expect(bench.produced()).toEqual(span(1, 25).map(() => 1));
  await bench.close(first);
  await bench.close(second);
});

test('a group that does not let the reader of acknowledgements in at first is told when it goes on not to, once', async () => {
  const lines = new LogLines();
  const { createConsumer } = MemoryKafka.prototype;
  let refusals = 1;
  bench.kafka.createConsumer = function (this: MemoryKafka, options: KafkaConsumerOptions) {
    const consumer = createConsumer.call(this, options);
    if (refusals > 0) consumer.open = () => Promise.reject(new MooringError('LOG_FAILED', 'not yet'));
    refusals -= 1;
    return consumer;
  };
  const log = await bench.opened({ log: lines });
  await bench.clock.advance(5000);
  expect(lines.told).toEqual([]);
  refusals = 9;
  bench.kafka.failConsumers();
  await bench.clock.advance(400_000);
  expect(lines.told).toEqual([
    'warn: acknowledgements of other copies are not heard; trying again',
    'info: acknowledgements of other copies are heard again',
  ]);
  await bench.close(log);
});

test('the reader of acknowledgements comes back after it has lost its place, and misses nothing', async () => {
  const log = await bench.opened();
  bench.kafka.failConsumers();
  const message = { run: RUN, gateway: 'plaka', partition: PARTITION, first: 0, last: 0, ranges: [[1, 9] as const] };
  bench.kafka.put({ topic: RECORDS, partition: PARTITION, key: 'plaka', value: '{}' });
  bench.kafka.put({
    topic: ACKS,
    partition: PARTITION,
    key: 'plaka',
    value: encodeAckMessage({ ...message, state: 'stored' }),
  });
  bench.kafka.put({ topic: ACKS, partition: PARTITION, key: 'plaka', value: 'garbage' });
  await bench.clock.advance(1000);
  expect(log.isAcknowledged(RUN, 9)).toBe(true);
  await bench.close(log);
});
