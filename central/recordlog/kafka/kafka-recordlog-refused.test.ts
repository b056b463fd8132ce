import { beforeEach, expect, test } from 'vitest';
import { entryOf, flatOf, runOf } from '../../../test/conformance/entries.ts';
import { LogBench } from '../../../test/kafka/log-bench.ts';
import { encodeAckMessage } from './acks.ts';
import type { KafkaRecordLog } from './kafka-recordlog.ts';

const RUN = runOf(1);
const { RECORDS, ACKS, PARTITION } = LogBench;
const [ARCHIVE, LAKE] = ['mooring.archive', 'mooring.lake'];
const ack = { groups: [ARCHIVE, LAKE] };
const REJECTED = { ranges: [[2, 2]], code: 'sink:lake', reason: 'the sink lake does not take it', isKept: true };

let bench: LogBench;
beforeEach(() => {
  bench = new LogBench();
});

function commit(group: string, offset: number): void {
  bench.kafka.commit(group, RECORDS, new Map([[PARTITION, offset]]));
}

/** As the feed of a sink does it, in whatever process: the letter first, and the group passes it once that is durable. */
async function refuse(log: KafkaRecordLog, sink: string, sequence: number, offset: number): Promise<void> {
  const value = Buffer.from(JSON.stringify(flatOf(RUN, sequence)));
  const letter = { topic: RECORDS, partition: PARTITION, offset, sink, value, reason: 'too old' };
  await Promise.all([log.deadLetters.appendMessages([letter]), bench.clock.advance(10)]);
}

test('what one of the sinks refuses is rejected once all of them have passed it, and never stored', async () => {
  const log = await bench.opened({ ack });
  const result = bench.append(log, entryOf(RUN, [1, 2]));
  await bench.clock.advance(10);
  await refuse(log, 'lake', 2, 1);
  commit(LAKE, 2);
  await bench.clock.advance(2000);
  expect(result).toEqual({});
  commit(ARCHIVE, 2);
  await bench.clock.advance(2000);
  expect(result.outcome).toEqual({ stored: [[1, 1]], added: 1, held: [], rejected: [REJECTED] });
  expect([bench.acked('stored'), bench.acked('rejected')]).toEqual([[[1, 1]], [[2, 2]]]);
  const repeat = bench.append(log, entryOf(RUN, [1, 2]));
  await bench.clock.advance(10);
  expect(repeat.outcome).toEqual({ stored: [[1, 1]], added: 0, held: [], rejected: [REJECTED] });
  expect(bench.produced()).toEqual([1, 1]);
  expect(log.isAcknowledged(RUN, 2)).toBe(false);
  await bench.close(log);
});

test('what was held and is refused hours later is told then', async () => {
  const log = await bench.opened({ ack });
  const result = bench.append(log, entryOf(RUN, [1, 2]));
  await bench.clock.advance(3_600_000);
  expect(result.outcome?.held).toEqual([[1, 2]]);
  await refuse(log, 'lake', 2, 1);
  for (const group of ack.groups) commit(group, 2);
  await bench.clock.advance(5000);
  expect(log.standing(RUN, [[1, 2]])).toEqual({ stored: [[1, 1]], held: [], rejected: [REJECTED] });
  await bench.close(log);
});

test('nothing is stored on the word of a group while the acknowledgements are not read as far as they go', async () => {
  const other = await bench.opened();
  const tails = [...bench.tails];
  const log = await bench.opened({ ack });
  const [tail] = bench.tails.filter((each) => !tails.includes(each));
  const result = bench.append(log, entryOf(RUN, [1, 2]));
  await bench.clock.advance(10);
  tail?.pause(PARTITION);
  await refuse(other, 'lake', 2, 1);
  for (const group of ack.groups) commit(group, 2);
  await bench.clock.advance(15_000);
  expect(result.outcome).toMatchObject({ stored: [], held: [[1, 2]] });
  expect(bench.acked('stored')).toEqual([]);
  tail?.resume(PARTITION);
  await bench.clock.advance(30_000);
  expect(log.standing(RUN, [[1, 2]])).toEqual({ stored: [[1, 1]], held: [], rejected: [REJECTED] });
  expect(bench.acked('stored')).toEqual([[1, 1]]);
  await bench.close(log);
  await bench.close(other);
});

test('a copy that starts afterwards knows what was refused before: of what was held, and of what was rejected', async () => {
  const first = await bench.opened({ ack });
  bench.append(first, entryOf(RUN, [1, 2]));
  await bench.clock.advance(10);
  await refuse(first, 'lake', 2, 1);
  await bench.close(first);
  for (const group of ack.groups) commit(group, 2);
  for (let count = 0; count < 2; count += 1) {
    const next = await bench.opened({ ack });
    const repeat = bench.append(next, entryOf(RUN, [1, 2]));
    await bench.clock.advance(5000);
    expect(repeat.outcome).toMatchObject({ stored: [[1, 1]], rejected: [REJECTED] });
    await bench.close(next);
  }
  expect(bench.produced()).toEqual([1, 1]);
  expect(bench.acks().map((message) => message?.state)).toEqual(['held', 'refused', 'rejected', 'stored']);
});

test('what a sink refuses that does not decide is stored', async () => {
  const log = await bench.opened({ ack: { groups: [ARCHIVE] } });
  const result = bench.append(log, entryOf(RUN, [1, 2]));
  await bench.clock.advance(10);
  await refuse(log, 'lake', 2, 1);
  commit(ARCHIVE, 2);
  await bench.clock.advance(2000);
  expect(result.outcome).toMatchObject({ stored: [[1, 2]], rejected: [] });
  await bench.close(log);
});

test('what was stored before it is refused stays so, as a gateway may have freed it', async () => {
  const log = await bench.opened({ ack });
  const result = bench.append(log, entryOf(RUN, [1, 2]));
  for (const group of ack.groups) commit(group, 2);
  await bench.clock.advance(2000);
  expect(result.outcome?.stored).toEqual([[1, 2]]);
  await refuse(log, 'lake', 2, 1);
  const repeat = bench.append(log, entryOf(RUN, [1, 2]));
  await bench.clock.advance(2000);
  expect(repeat.outcome).toMatchObject({ stored: [[1, 2]], rejected: [] });
  await bench.close(log);
});

test('where so much is refused that a part of it is forgotten, nothing of before is stored: it is asked for again', async () => {
  const log = await bench.opened({ ack, ledger: { refusedRangesMax: 1 } });
  const result = bench.append(log, entryOf(RUN, [1, 2]));
  await bench.clock.advance(10);
  await refuse(log, 'lake', 2, 1);
  const place = { gateway: 'plaka', partition: PARTITION, first: 0, last: 0 };
  const value = encodeAckMessage({ ...place, run: runOf(2), state: 'refused', sink: 'lake', ranges: [[1, 1]] });
  bench.kafka.put({ topic: ACKS, partition: PARTITION, key: 'plaka', value });
  for (const group of ack.groups) commit(group, 2);
  await bench.clock.advance(6000);
  expect(result.error?.code).toBe('LOG_EXPIRED');
  expect(bench.acked('stored')).toEqual([]);
  const repeat = bench.append(log, entryOf(RUN, [1, 2]));
  await bench.clock.advance(10);
  for (const group of ack.groups) commit(group, 4);
  await bench.clock.advance(3000);
  expect(repeat.outcome).toMatchObject({ stored: [[1, 2]], rejected: [] });
  await bench.close(log);
});

test('of a topic that is not read from its beginning, what is said to be held at first is not believed', async () => {
  const first = await bench.opened({ ack });
  bench.append(first, entryOf(RUN, [1, 2]));
  await bench.clock.advance(10);
  await bench.close(first);
  const place = { topic: ACKS, partition: PARTITION, key: 'plaka' };
  for (let count = 0; count < 19_999; count += 1) bench.kafka.put({ ...place, value: '{}' });
  const whole = await bench.opened({ ack });
  const repeat = bench.append(whole, entryOf(RUN, [1, 2]));
  await bench.clock.advance(10);
  expect(bench.produced()).toEqual([1, 1]);
  await bench.close(whole);
  expect(repeat.outcome?.held).toEqual([[1, 2]]);

  // The same, with one message that is not read any more: a refusal could have been in it.
  const message = { run: RUN, gateway: 'plaka', partition: PARTITION, first: 0, last: 1 };
  const value = encodeAckMessage({ ...message, state: 'held', ranges: [[1, 2]] });
  bench.kafka.put({ ...place, value });
  const part = await bench.opened({ ack });
  bench.append(part, entryOf(RUN, [1, 2]));
  await bench.clock.advance(10);
  expect(bench.produced()).toEqual([2, 2]);
  await bench.close(part);
});
