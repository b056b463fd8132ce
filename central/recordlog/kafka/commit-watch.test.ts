import { beforeEach, expect, test } from 'vitest';
import { MooringError } from '../../../runtime/errors.ts';
import { SteppedClock } from '../../../sim/clock.ts';
import { MemoryKafka } from '../../../sim/memory-kafka.ts';
import { LogLines } from '../../../test/log-lines.ts';
import { AdminSession } from './admin-session.ts';
import { CommitWatch } from './commit-watch.ts';

const TOPIC = 'mooring.records';

let clock: SteppedClock;
let kafka: MemoryKafka;
let log: LogLines;
let watch: CommitWatch;

beforeEach(() => {
  clock = new SteppedClock();
  log = new LogLines();
  kafka = new MemoryKafka();
  kafka.makeTopic({ name: TOPIC, partitions: 2, replication: 1, settings: {} });
  const admin = new AdminSession(kafka, clock);
  watch = new CommitWatch({ admin, topic: TOPIC, groups: ['a', 'b'], clock, log, waitingMax: 2 });
});

function commit(offset: number, partition = 0): void {
  for (const group of ['a', 'b']) kafka.commit(group, TOPIC, new Map([[partition, offset]]));
}

/** Waits, and keeps how that ends. */
function wait(partition: number, offset: number): { end?: 'passed' | 'rejected' } {
  const result: { end?: 'passed' | 'rejected' } = {};
  watch.passed({ partition, first: offset, last: offset }).then(
    () => (result.end = 'passed'),
    () => (result.end = 'rejected'),
  );
  return result;
}

test('a record is passed when the next offset of the slowest group is beyond it, in its own partition', async () => {
  const [here, there] = [wait(0, 4), wait(1, 4)];
  commit(4);
  kafka.commit('a', TOPIC, new Map([[0, 5]]));
  await clock.advance(2000);
  expect(here.end).toBeUndefined();
  commit(5);
  await clock.advance(2000);
  expect([here.end, there.end]).toEqual(['passed', undefined]);
});

test('what is known to be passed is answered without asking', async () => {
  wait(0, 4);
  commit(9);
  await clock.advance(1000);
  const asked = kafka.committedAsked;
  const known = wait(0, 8);
  await clock.advance(0);
  expect(known.end).toBe('passed');
  await clock.advance(5000);
  expect(kafka.committedAsked).toBe(asked);
});

test('beyond the bound nobody else may wait, and who waits goes on waiting', async () => {
  const first = wait(0, 0);
  wait(0, 1);
  const third = wait(0, 2);
  await clock.advance(0);
  expect(third.end).toBe('rejected');
  commit(1);
  await clock.advance(1000);
  expect(first.end).toBe('passed');
});

test('while nothing moves it is asked more seldom, and a Kafka that is away is asked again', async () => {
  const waiting = wait(0, 0);
  await clock.advance(60_000);
  expect(kafka.committedAsked).toBeGreaterThan(40);
  expect(kafka.committedAsked).toBeLessThan(100);
  kafka.faults.isGone = true;
  await clock.advance(60_000);
  kafka.faults.isGone = false;
  commit(1);
  await clock.advance(2500);
  expect(waiting.end).toBe('passed');
});

test('what the log has lost by the time that the groups are behind it is not passed, also when that was known already', async () => {
  const results: unknown[] = [];
  const watched = (first: number, last: number): void => {
    const ended = watch.passed({ partition: 0, first, last });
    ended.then(
      () => results.push('passed'),
      (error: MooringError) => results.push(error.code),
    );
  };
  for (let count = 0; count < 6; count += 1) kafka.put({ topic: TOPIC, partition: 0, key: 'k', value: '{}' });
  watched(1, 3);
  watched(2, 3);
  kafka.expire(TOPIC, 0, 2);
  commit(4);
  await clock.advance(1000);
  expect(results).toEqual(['LOG_EXPIRED', 'passed']);
  watched(0, 2);
  watched(3, 3);
  await clock.advance(1000);
  expect(results).toEqual(['LOG_EXPIRED', 'passed', 'passed', 'LOG_EXPIRED']);
});

test('a group that nobody ever was in is told of once, as its name may be wrong', async () => {
  wait(0, 0);
  kafka.commit('a', TOPIC, new Map([[1, 0]]));
  await clock.advance(50_000);
  expect(log.told).toEqual([]);
  await clock.advance(600_000);
  expect(log.told).toEqual([expect.stringContaining('warn: a sink that decides has never said how far it is')]);
  expect(log.fields).toEqual([{ group: 'b' }]);
});

test('closing rejects who waits', async () => {
  const waiting = wait(0, 0);
  await Promise.all([watch.close(), clock.advance(0)]);
  expect(waiting.end).toBe('rejected');
  expect(clock.pendingTimers).toBe(0);
});

test('refusals that are not read in time put the next asking off no further than a group that does not move', async () => {
  let stallsMs = 5000;
  const refusals = async (): Promise<void> => {
    if (stallsMs === 0) return;
    await clock.sleep(stallsMs);
    throw new MooringError('LOG_FAILED', 'the acknowledgements are not read in time');
  };
  watch = new CommitWatch({ admin: new AdminSession(kafka, clock), topic: TOPIC, groups: ['a'], refusals, clock, log });
  const waiting = wait(0, 4);
  commit(5);
  await clock.advance(5000);
  expect(waiting.end).toBeUndefined();
  stallsMs = 0;
  await clock.advance(2500);
  expect(waiting.end).toBe('passed');
});
