import { beforeEach, describe, expect, test } from 'vitest';
import { rangesOf } from '../../../protocol/intervals.ts';
import { entryOf, flatOf, runOf, span } from '../../../test/conformance/entries.ts';
import { LogBench } from '../../../test/kafka/log-bench.ts';
import { encodeAckMessage } from './acks.ts';

const RUN = runOf(1);
const { RECORDS, ACKS, PARTITION } = LogBench;
const ARCHIVE = 'mooring.archive';

let bench: LogBench;

beforeEach(() => {
  bench = new LogBench();
});

describe('with sinks that have to have committed', () => {
  const ack = { groups: [ARCHIVE] };
  const commit = (offset: number): void => bench.kafka.commit(ARCHIVE, RECORDS, new Map([[PARTITION, offset]]));

  test('a record is stored once their group has passed it', async () => {
    const log = await bench.opened({ ack });
    const result = bench.append(log, entryOf(RUN, [1, 2]));
    await bench.clock.advance(1000);
    expect(result).toEqual({});
    expect(bench.acked('held')).toEqual([[1, 2]]);
    commit(1);
    await bench.clock.advance(1000);
    expect(result).toEqual({});
    commit(2);
    await bench.clock.advance(1000);
    expect(result.outcome).toEqual({ stored: [[1, 2]], added: 2, held: [], rejected: [] });
    expect(bench.acked('stored')).toEqual([[1, 2]]);
    await bench.close(log);
  });

  test('every one of several groups has to have passed', async () => {
    const log = await bench.opened({ ack: { groups: [ARCHIVE, 'mooring.search'] } });
    const result = bench.append(log, entryOf(RUN, [1]));
    commit(1);
    await bench.clock.advance(4000);
    expect(result).toEqual({});
    bench.kafka.commit('mooring.search', RECORDS, new Map([[PARTITION, 1]]));
    await bench.clock.advance(1900);
    expect(result.outcome?.stored).toEqual([[1, 1]]);
    await bench.close(log);
  });

  test('a record that they are slow with is held, and it is told when it is stored', async () => {
    const log = await bench.opened({ ack });
    const result = bench.append(log, entryOf(RUN, [1, 2]));
    await bench.clock.advance(5100);
    expect(result.outcome).toMatchObject({ stored: [], added: 0, held: [[1, 2]] });
    expect(log.standing(RUN, [[1, 3]])).toEqual({ stored: [], held: [[1, 2]], rejected: [] });
    const repeat = bench.append(log, entryOf(RUN, [1, 2, 3]));
    await bench.clock.advance(100);
    commit(3);
    const told: string[] = [];
    log.watch((run) => told.push(run));
    await bench.clock.advance(5000);
    expect(told).toContain(RUN);
    expect(log.standing(RUN, [[1, 4]])).toEqual({ stored: [[1, 3]], held: [], rejected: [] });
    expect(repeat.outcome).toMatchObject({ stored: [[1, 3]], added: 1 });
    expect(bench.produced()).toEqual([1, 1, 1]);
    expect(bench.acks().map((message) => [message?.state, message?.ranges])).toEqual([
      ['held', [[1, 2]]],
      ['held', [[3, 3]]],
      ['stored', [[1, 2]]],
      ['stored', [[3, 3]]],
    ]);
    await bench.close(log);
  });

  test('what an earlier process held is neither produced again nor said to be stored before it is', async () => {
    const first = await bench.opened({ ack });
    bench.append(first, entryOf(RUN, [1, 2]));
    await bench.clock.advance(100);
    await bench.close(first);
    const second = await bench.opened({ ack });
    const repeat = bench.append(second, entryOf(RUN, [2]));
    await bench.clock.advance(5100);
    expect(repeat.outcome).toMatchObject({ stored: [], held: [[2, 2]] });
    commit(2);
    await bench.clock.advance(3000);
    expect(second.standing(RUN, [[1, 2]]).stored).toEqual([[1, 2]]);
    expect(bench.produced()).toEqual([1, 1]);
    expect(bench.acked('stored')).toEqual([[1, 2]]);
    await bench.close(second);
  });

  test('what another copy holds by the time that it is produced here counts as held, as that copy has it', async () => {
    const log = await bench.opened({ ack });
    bench.kafka.faults.hangs = true;
    const result = bench.append(log, entryOf(RUN, [1, 2]));
    await bench.clock.advance(0);
    const place = { partition: PARTITION, key: 'plaka' };
    bench.kafka.put({ ...place, topic: RECORDS, value: JSON.stringify(flatOf(RUN, 2)) });
    const message = { run: RUN, gateway: 'plaka', partition: PARTITION, first: 0, last: 0 };
    bench.kafka.put({
      ...place,
      topic: ACKS,
      value: encodeAckMessage({ ...message, state: 'held', ranges: [[2, 2]] }),
    });
    await bench.clock.advance(0);
    bench.kafka.release();
    await bench.clock.advance(5100);
    expect(result.outcome).toMatchObject({ stored: [], held: [[1, 2]] });
    commit(1);
    await bench.clock.advance(3000);
    expect(bench.acked('stored')).toEqual([[2, 2]]);
    expect(log.standing(RUN, [[1, 2]])).toMatchObject({ stored: [[2, 2]], held: [[1, 1]] });
    commit(3);
    await bench.clock.advance(3000);
    expect(log.standing(RUN, [[1, 2]]).stored).toEqual([[1, 2]]);
    await bench.close(log);
  });

  test('of two copies that wait for the same record, the second repeats nothing', async () => {
    const first = await bench.opened({ ack });
    bench.append(first, entryOf(RUN, [1, 2]));
    await bench.clock.advance(100);
    const second = await bench.opened({ ack });
    const repeat = bench.append(second, entryOf(RUN, [1, 2]));
    commit(2);
    await bench.clock.advance(3000);
    expect(repeat.outcome).toMatchObject({ stored: [[1, 2]], added: 0 });
    expect(bench.acks().map((message) => message?.state)).toEqual(['held', 'stored']);
    await bench.close(first);
    await bench.close(second);
  });

  test('the groups are asked for all that wait together, and only while somebody waits', async () => {
    const log = await bench.opened({ ack });
    await bench.clock.advance(60_000);
    expect(bench.kafka.committedAsked).toBe(0);
    for (let count = 1; count <= 50; count += 1) bench.append(log, entryOf(RUN, [count]));
    await bench.clock.advance(1000);
    expect(bench.kafka.committedAsked).toBeLessThanOrEqual(4);
    commit(50);
    await bench.clock.advance(5000);
    const asked = bench.kafka.committedAsked;
    await bench.clock.advance(60_000);
    expect(bench.kafka.committedAsked).toBe(asked);
    await bench.close(log);
  });

  test('what the log lost before a sink read it is never stored, though the sink goes on behind it: it is produced again', async () => {
    const log = await bench.opened({ ack });
    const result = bench.append(log, entryOf(RUN, [1, 2]));
    await bench.clock.advance(6000);
    expect(result.outcome?.held).toEqual([[1, 2]]);
    bench.kafka.expire(RECORDS, PARTITION, 2);
    commit(2);
    await bench.clock.advance(5000);
    expect(log.standing(RUN, [[1, 2]])).toEqual({ stored: [], held: [], rejected: [] });
    expect(bench.acked('stored')).toEqual([]);
    const repeat = bench.append(log, entryOf(RUN, [1, 2]));
    await bench.clock.advance(1000);
    expect(bench.produced()).toEqual([2, 2]);
    commit(4);
    await bench.clock.advance(5000);
    expect(repeat.outcome).toMatchObject({ stored: [[1, 2]], held: [] });
    await bench.close(log);
  });

  test('nor is what an earlier process held and the log has lost: who sends it is told to send again', async () => {
    const first = await bench.opened({ ack });
    bench.append(first, entryOf(RUN, [1, 2]));
    await bench.clock.advance(100);
    await bench.close(first);
    bench.kafka.expire(RECORDS, PARTITION, 2);
    commit(2);
    const second = await bench.opened({ ack });
    const repeat = bench.append(second, entryOf(RUN, [1, 2]));
    await bench.clock.advance(6000);
    expect(repeat.error?.code).toBe('LOG_EXPIRED');
    const again = bench.append(second, entryOf(RUN, [1, 2]));
    await bench.clock.advance(100);
    commit(4);
    await bench.clock.advance(3000);
    expect(again.outcome).toMatchObject({ stored: [[1, 2]], added: 2 });
    expect(bench.acked('stored')).toEqual([[1, 2]]);
    await bench.close(second);
  });

  test('while they are away for long nothing is produced twice, however much is held', async () => {
    const log = await bench.opened({ ack, watchedMax: 20, ledger: { heldMax: 20 } });
    for (let round = 0; round < 3; round += 1) {
      for (let sequence = 1; sequence <= 100; sequence += 1) bench.append(log, entryOf(RUN, [sequence]));
      await bench.clock.advance(6000);
    }
    expect(bench.produced()).toEqual(Array.from({ length: 100 }, () => 1));
    commit(50);
    await bench.clock.advance(3000);
    const repeat = bench.append(log, entryOf(RUN, [1, 49, 51, 100]));
    await bench.clock.advance(6000);
    expect(bench.acked('stored')).toEqual([[1, 20]]);
    expect(repeat.outcome?.held).toEqual(rangesOf([49, 51, 100]));
    commit(100);
    await bench.clock.advance(3000);
    expect(log.standing(RUN, rangesOf([1, 49, 51, 100])).held).toEqual([]);
    log.adopt(RUN);
    await bench.clock.advance(15_000);
    expect(log.standing(RUN, [[1, 100]]).stored).toEqual([[1, 100]]);
    const last = bench.append(log, entryOf(RUN, span(1, 100)));
    await bench.clock.advance(3000);
    expect(last.outcome).toMatchObject({ stored: [[1, 100]], added: 0 });
    expect(bench.acked('stored')).toEqual([[1, 100]]);
    expect(bench.produced()).toHaveLength(100);
    await bench.close(log);
  });

  test('how many wait for it to be stored is bounded: the others are told at once that it is held', async () => {
    const log = await bench.opened({ ack, watchedMax: 2 });
    const results = [1, 2, 3].map(() => bench.append(log, entryOf(RUN, [1])));
    await bench.clock.advance(1000);
    expect(results.map(({ outcome }) => outcome?.held)).toEqual([undefined, undefined, [[1, 1]]]);
    await bench.clock.advance(5000);
    expect(results.map(({ outcome }) => outcome?.held)).toEqual([[[1, 1]], [[1, 1]], [[1, 1]]]);
    commit(1);
    await bench.clock.advance(3000);
    expect(log.standing(RUN, [[1, 1]]).stored).toEqual([[1, 1]]);
    await bench.close(log);
  });

  test('closing says held at once, and adopts nothing any more', async () => {
    const log = await bench.opened({ ack });
    const result = bench.append(log, entryOf(RUN, [1]));
    await bench.clock.advance(500);
    await bench.close(log);
    expect(result.outcome).toMatchObject({ stored: [], held: [[1, 1]] });
    expect(log.adopt(RUN)).toEqual([]);
  });
});
