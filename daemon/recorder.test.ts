import { describe, expect, it, test } from 'vitest';
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
      flush: async () => await Promise.resolve(),
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

test('an alarm finds room where samples find none any more, before the run has begun and after', async () => {
  const urgent = { urgent: true };
  const { recorder, asked, clock } = setUp(8);
  recorder.hold();
  for (let value = 0; value < 10; value += 1) recorder.record(sample(value));
  recorder.record({ ...sample(0), kind: 'alarm' }, urgent);
  expect([recorder.waiting, recorder.lost]).toEqual([5, 6]);
  const begun = recorder.begin([sample(100)]);
  asked.shift()?.resolve({ first: 1, last: 1 });
  await begun;
  await clock.advance(0);
  for (let value = 0; value < 10; value += 1) recorder.record(sample(value));
  recorder.record({ ...sample(0), kind: 'alarm' }, urgent);
  expect(asked.filter(({ observation }) => observation.kind === 'alarm')).toHaveLength(2);
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

describe('the beginning of a run', () => {
  const event = (name: string): Observation => ({ ...sample(0), kind: 'event', metrics: {}, info: { event: name } });
  const opening = [event('boot'), event('source'), event('source')] as const;
  const full = new MooringError('STORE_FULL', 'the disk is full');
  const namesOf = (asked: readonly Answer[]): unknown[] =>
    asked.map(({ observation }) => observation.info?.event ?? observation.kind);

  it('stands before everything else, however often the store refuses it, and nothing is lost meanwhile', async () => {
    const { recorder, asked, clock } = setUp();
    const begun = recorder.begin(opening);
    recorder.record(sample(1));
    expect(namesOf(asked)).toEqual(['boot']);
    asked.shift()?.reject(full);
    await begun;
    recorder.record(sample(2));
    await clock.advance(999);
    expect([namesOf(asked), recorder.waiting]).toEqual([[], 2]);
    await clock.advance(1);
    expect(namesOf(asked)).toEqual(['boot']);
    asked.shift()?.resolve({ first: 1, last: 1 });
    await clock.advance(0);
    expect(namesOf(asked)).toEqual(['source', 'source']);
    asked.shift()?.resolve({ first: 2, last: 2 });
    asked.shift()?.reject(full);
    await clock.advance(1000);
    expect(namesOf(asked)).toEqual(['source']);
    asked.shift()?.resolve({ first: 3, last: 3 });
    await clock.advance(0);
    expect(asked.map(({ observation }) => observation.metrics.temperature)).toEqual([1, 2]);
    expect([recorder.lost, clock.pendingTimers]).toEqual([0, 0]);
  });

  it('is waited for by no more records than memory allows; beyond that they are counted', async () => {
    const { recorder, asked, clock } = setUp(4);
    const begun = recorder.begin(opening);
    asked.shift()?.reject(full);
    await begun;
    for (const value of [1, 2, 3, 4, 5]) recorder.record(sample(value));
    expect([recorder.waiting, recorder.lost]).toEqual([2, 3]);
    await clock.advance(1000);
    asked.shift()?.resolve({ first: 1, last: 1 });
    await clock.advance(0);
    const report = asked.find(({ observation }) => observation.info?.event === 'not_stored');
    expect(report?.observation.info).toMatchObject({ count: 3, reason: 'STORE_FULL' });
  });

  it('that never came about is tried once more at the end, and what waited for it is lost and counted', async () => {
    const { recorder, asked, clock } = setUp();
    const begun = recorder.begin(opening);
    asked.shift()?.reject(full);
    await begun;
    recorder.record(sample(1));
    const settled = recorder.settled();
    await clock.advance(0);
    expect(namesOf(asked)).toEqual(['boot']);
    asked.shift()?.reject(full);
    await settled;
    expect([recorder.lost, recorder.waiting, clock.pendingTimers]).toEqual([4, 0, 0]);
  });

  it('does not wait for a record of it that is at fault itself', async () => {
    const { recorder, asked, clock } = setUp();
    void recorder.begin([event('boot'), event('source')]);
    asked.shift()?.resolve({ first: 1, last: 1 });
    await clock.advance(0);
    asked.shift()?.reject(new MooringError('RECORD_TOO_LARGE', 'too large'));
    await clock.advance(0);
    expect(asked.map(({ observation }) => observation.info)).toMatchObject([{ event: 'record_refused' }]);
  });
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
