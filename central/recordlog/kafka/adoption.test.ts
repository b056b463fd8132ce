import { beforeEach, expect, test } from 'vitest';
import { entryOf, flatOf, runOf } from '../../../test/conformance/entries.ts';
import { LogBench } from '../../../test/kafka/log-bench.ts';
import type { KafkaRecordLog } from './kafka-recordlog.ts';

const RUN = runOf(1);
const { RECORDS, PARTITION } = LogBench;
const [ARCHIVE, LAKE] = ['mooring.archive', 'mooring.lake'];
const ack = { groups: [ARCHIVE, LAKE] };
const NOTHING = { stored: [], held: [], rejected: [] };

let bench: LogBench;
beforeEach(() => {
  bench = new LogBench();
});

function commit(offset: number, groups = ack.groups): void {
  for (const group of groups) bench.kafka.commit(group, RECORDS, new Map([[PARTITION, offset]]));
}

/** A copy that has held two records and is gone, and one that is there. */
async function orphans(): Promise<KafkaRecordLog> {
  const gone = await bench.opened({ ack });
  bench.append(gone, entryOf(RUN, [1, 2]));
  await bench.clock.advance(10);
  await bench.close(gone);
  return await bench.opened({ ack });
}

test('what a copy has held that is gone becomes stored by the word of another, once every sink has passed it', async () => {
  const log = await orphans();
  expect(log.adopt(RUN)).toEqual([]);
  await bench.clock.advance(6000);
  expect(log.adopt(RUN)).toEqual([[1, 2]]);
  commit(2, [ARCHIVE]);
  commit(1, [LAKE]);
  await bench.clock.advance(60_000);
  expect(log.standing(RUN, [[1, 2]])).toEqual({ ...NOTHING, held: [[1, 2]] });
  commit(2);
  await bench.clock.advance(9000);
  expect(bench.acked('stored')).toEqual([]);
  await bench.clock.advance(5000);
  expect(log.standing(RUN, [[1, 2]])).toEqual({ ...NOTHING, stored: [[1, 2]] });
  expect(bench.acks().map((message) => message?.state)).toEqual(['held', 'stored']);
  expect([bench.produced(), log.adopt(RUN)]).toEqual([[1, 1], []]);
  await bench.close(log);
});

test('a copy that is there says so itself, and the others leave it at that', async () => {
  const [first, second] = [await bench.opened({ ack }), await bench.opened({ ack })];
  bench.append(first, entryOf(RUN, [1, 2]));
  await bench.clock.advance(10_000);
  expect(second.adopt(RUN)).toEqual([[1, 2]]);
  commit(2);
  await bench.clock.advance(60_000);
  expect(second.standing(RUN, [[1, 2]]).stored).toEqual([[1, 2]]);
  expect(bench.acks().map((message) => message?.state)).toEqual(['held', 'stored']);
  await Promise.all([bench.close(first), bench.close(second)]);
});

test('what a sink has refused of it is rejected, also where it is refused long after', async () => {
  const log = await orphans();
  await bench.clock.advance(600_000);
  expect(log.adopt(RUN)).toEqual([[1, 2]]);
  const value = Buffer.from(JSON.stringify(flatOf(RUN, 2)));
  const letter = { topic: RECORDS, partition: PARTITION, offset: 1, sink: 'lake', value, reason: 'too old' };
  await Promise.all([log.deadLetters.appendMessages([letter]), bench.clock.advance(10)]);
  commit(2);
  await bench.clock.advance(15_000);
  expect(log.standing(RUN, [[1, 2]])).toMatchObject({
    stored: [[1, 1]],
    rejected: [{ ranges: [[2, 2]], code: 'sink:lake' }],
  });
  await bench.close(log);
});

test('what the log has lost before the sinks read it is not stored, and not held any more', async () => {
  const log = await orphans();
  await bench.clock.advance(6000);
  log.adopt(RUN);
  bench.kafka.expire(RECORDS, PARTITION, 2);
  commit(2);
  await bench.clock.advance(15_000);
  expect(log.standing(RUN, [[1, 2]])).toEqual(NOTHING);
  expect([bench.acked('stored'), log.adopt(RUN)]).toEqual([[], []]);
  await bench.close(log);
});

test('what was produced and not said to be held counts for nothing: who has it sends it again', async () => {
  const log = await bench.opened({ ack });
  const value = JSON.stringify(flatOf(RUN, 1));
  bench.kafka.put({ topic: RECORDS, partition: PARTITION, key: 'plaka', value });
  commit(1);
  await bench.clock.advance(10_000);
  expect([log.adopt(RUN), log.standing(RUN, [[1, 1]])]).toEqual([[], NOTHING]);
  await bench.close(log);
});

test('it is adopted once, however often, and after a time in which nobody could watch over it', async () => {
  const gone = await bench.opened({ ack });
  bench.append(gone, entryOf(RUN, [1, 2]));
  bench.append(gone, entryOf(runOf(2), [1, 2]));
  await bench.clock.advance(10);
  await bench.close(gone);
  const log = await bench.opened({ ack, watchedMax: 1 });
  await bench.clock.advance(6000);
  for (let count = 0; count < 3; count += 1)
    for (const run of [RUN, runOf(2)]) expect(log.adopt(run)).toEqual([[1, 2]]);
  commit(4);
  await bench.clock.advance(15_000);
  expect(log.adopt(RUN)).toEqual([]);
  expect(log.adopt(runOf(2))).toEqual([[1, 2]]);
  await bench.clock.advance(15_000);
  expect(log.adopt(runOf(2))).toEqual([]);
  expect(bench.acks().filter((message) => message?.state === 'stored')).toHaveLength(2);
  await bench.close(log);
});
