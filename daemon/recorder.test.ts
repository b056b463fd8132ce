import { expect, test } from 'vitest';
import type { Observation } from '../protocol/record.ts';
import { MooringError } from '../runtime/errors.ts';
import { silentLog } from '../runtime/log.ts';
import { SteppedClock } from '../sim/clock.ts';
import { Recorder } from './recorder.ts';
import type { Appended } from './store/store.ts';

type Answer = { resolve: (appended: Appended) => void; reject: (error: Error) => void; observation: Observation };

function setUp(
  waitingMax = 10,
  lingerMs = 0,
): { recorder: Recorder; asked: Answer[]; clock: SteppedClock; commits: () => number } {
  const asked: Answer[] = [];
  const clock = new SteppedClock();
  let commits = 0;
  const recorder = new Recorder({
    store: {
      append: ([observation]) =>
        new Promise((resolve, reject) => asked.push({ resolve, reject, observation: observation as Observation })),
    },
    clock,
    log: silentLog,
    label: () => ({ timestampMs: clock.wallMs(), clock: 'synced' }),
    onCommitted: () => (commits += 1),
    waitingMax,
    lingerMs,
    deadlineMs: 1000,
  });
  return { recorder, asked, clock, commits: () => commits };
}

const sample = (value: number): Observation => ({
  station: 'city-1',
  kind: 'sample',
  timestampMs: 0,
  clock: 'synced',
  metrics: { temperature: value },
  flags: {},
});

test('every commit wakes the forwarders, and settled() waits for the last answer', async () => {
  const { recorder, asked, commits } = setUp();
  recorder.record(sample(1));
  recorder.record(sample(2));
  let settled = false;
  const done = recorder.settled().then(() => (settled = true));
  asked[0]?.resolve({ first: 1, last: 1 });
  await Promise.resolve();
  expect(settled).toBe(false);
  asked[1]?.resolve({ first: 2, last: 2 });
  await done;
  expect([recorder.committed, commits()]).toEqual([2, 2]);
});

test('what a full store refused is counted and recorded once it takes records again', async () => {
  const { recorder, asked, clock } = setUp();
  for (const value of [1, 2, 3]) recorder.record(sample(value));
  for (const answer of asked.splice(0)) answer.reject(new MooringError('STORE_FULL', 'the budget is used up'));
  await clock.advance(0);
  recorder.record(sample(4));
  asked.shift()?.resolve({ first: 1, last: 1 });
  await clock.advance(0);
  expect(asked[0]?.observation.info).toEqual({ event: 'not_stored', count: 3, reason: 'STORE_FULL' });
});

test('a store that does not answer fills neither memory nor the log, and starves the watchdog', async () => {
  const { recorder, asked, clock } = setUp(2);
  for (const value of [1, 2, 3, 4]) recorder.record(sample(value));
  expect([asked.length, recorder.waiting]).toEqual([2, 2]);
  expect(recorder.health(clock.monotonicMs())).toBeUndefined();
  await clock.advance(1001);
  expect(recorder.health(clock.monotonicMs())).toMatch(/has not answered/);
  for (const answer of asked.splice(0)) answer.resolve({ first: 1, last: 1 });
  await clock.advance(0);
  expect(recorder.health(clock.monotonicMs())).toBeUndefined();
  expect(asked[0]?.observation.info).toEqual({ event: 'not_stored', count: 2, reason: 'STORE_STALLED' });
});

test('what was lost is not forgotten when the report of it is refused too: the next one tells of all', async () => {
  const { recorder, asked, clock } = setUp(2000);
  const full = (): void => asked.shift()?.reject(new MooringError('STORE_FULL', 'the disk is full'));
  for (let value = 0; value < 1000; value += 1) recorder.record(sample(value));
  while (asked.length > 0) full();
  await clock.advance(0);
  recorder.record(sample(1001));
  asked.shift()?.resolve({ first: 1, last: 1 });
  await clock.advance(0);
  expect(asked.map(({ observation }) => observation.info?.count)).toEqual([1000]);
  full();
  await clock.advance(0);
  recorder.record(sample(1002));
  recorder.record(sample(1003));
  full();
  asked.shift()?.resolve({ first: 2, last: 2 });
  await clock.advance(0);
  expect(asked.map(({ observation }) => observation.info?.count)).toEqual([1001]);
  asked.shift()?.resolve({ first: 3, last: 3 });
  await clock.advance(0);
  expect([asked.length, recorder.lost, recorder.waiting]).toEqual([0, 1001, 0]);
});

test('a record that lingers in the store by configuration does not starve the watchdog', async () => {
  const { recorder, clock } = setUp(10, 60_000);
  recorder.record(sample(1));
  await clock.advance(61_000);
  expect(recorder.health(clock.monotonicMs())).toBeUndefined();
  await clock.advance(1);
  expect(recorder.health(clock.monotonicMs())).toMatch(/has not answered/);
});

test('a refused record becomes an event, and a refused event does not become another', async () => {
  const { recorder, asked, clock } = setUp();
  recorder.record(sample(1));
  asked.shift()?.reject(new MooringError('RECORD_TOO_LARGE', 'too large'));
  await clock.advance(0);
  expect(asked[0]?.observation.info).toMatchObject({ event: 'record_refused', refused_station: 'city-1' });
  asked.shift()?.reject(new MooringError('RECORD_INVALID', 'invalid'));
  await clock.advance(0);
  expect(asked).toHaveLength(0);
});
