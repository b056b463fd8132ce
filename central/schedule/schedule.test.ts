import { expect, test } from 'vitest';
import { MooringError } from '../../runtime/errors.ts';
import { SteppedClock } from '../../sim/clock.ts';
import { LogLines } from '../../test/log-lines.ts';
import { eventually } from '../../test/processes.ts';
import { SteppedCron } from '../../test/stepped-cron.ts';
import { NodeCron } from './cron.ts';
import { type KeptSchedule, Schedule } from './schedule.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const AT_MINUTES = 3 * 60 + 10;

interface SetUp {
  readonly wall?: string;
  /** What an earlier process has left; another one's `kept` is the same file. */
  readonly kept?: { value: KeptSchedule | undefined };
}

function setUp({ wall = '2026-02-01T12:00:00.000Z', kept = { value: undefined } }: SetUp = {}) {
  const clock = new SteppedClock(Date.parse(wall));
  const cron = new SteppedCron(clock);
  const said = new LogLines();
  const fate: { failure: Error | undefined; isPossible: boolean; slow: Promise<void> | undefined } = {
    ...{ failure: undefined, isPossible: true, slow: undefined },
  };
  const ran: string[] = [];
  const file = {
    load: async () => kept.value,
    save: async (value: KeptSchedule) => {
      kept.value = value;
    },
  };
  const schedule = new Schedule({ atMinutes: AT_MINUTES, file, cron, clock, log: said });
  const run = async (): Promise<boolean> => {
    ran.push(new Date(clock.wallMs()).toISOString());
    await fate.slow;
    if (fate.failure !== undefined) throw fate.failure;
    return fate.isPossible;
  };
  const end = schedule.add({ kind: 'retention', sink: 'search', run });
  return { clock, cron, said, fate, ran, kept, file, schedule, end };
}

test('a job is done at its time each day, by UTC, and when it was done is kept', async () => {
  const { clock, cron, ran, kept, schedule } = setUp();
  await schedule.open();
  await clock.advance(0);
  ran.splice(0);
  await clock.advance(2 * DAY_MS);
  expect(cron.patterns).toEqual(['10 3 * * *']);
  expect(ran).toEqual(['2026-02-02T03:10:00.000Z', '2026-02-03T03:10:00.000Z']);
  expect(kept.value).toEqual({ 'retention search': Date.parse('2026-02-03T03:10:00.000Z') });
  expect(schedule.status()).toEqual([
    {
      kind: 'retention',
      sink: 'search',
      done: 3,
      failed: 0,
      isFailing: false,
      doneMs: Date.parse('2026-02-03T03:10:00.000Z'),
    },
  ]);
  await schedule.close();
  await clock.advance(2 * DAY_MS);
  expect(ran).toHaveLength(2);
  expect(clock.pendingTimers).toBe(0);
});

test('what was due while no process was there is made up for at the start, once, and what was done is not', async () => {
  const done = Date.parse('2026-02-01T03:10:05.000Z');
  const again = setUp({ kept: { value: { 'retention search': done } } });
  await again.schedule.open();
  await again.clock.advance(HOUR_MS);
  expect(again.ran).toEqual([]);
  const missed = setUp({ wall: '2026-02-03T12:00:00.000Z', kept: { value: { 'retention search': done } } });
  await missed.schedule.open();
  await missed.clock.advance(HOUR_MS);
  expect(missed.ran).toEqual(['2026-02-03T12:00:00.000Z']);
});

test('one that fails is told, and tried again the next day, and at the next start', async () => {
  const { clock, said, fate, ran, kept, schedule } = setUp();
  fate.failure = new MooringError('SINK_FAILED', 'away');
  await schedule.open();
  await clock.advance(10 * HOUR_MS);
  expect(ran).toHaveLength(1);
  expect(schedule.status()).toMatchObject([{ done: 0, failed: 1, isFailing: true, doneMs: undefined }]);
  expect(said.told).toEqual(['error: a daily job has failed; it is tried again tomorrow']);
  await schedule.close();
  const next = setUp({ wall: '2026-02-01T22:00:00.000Z', kept });
  await next.schedule.open();
  await next.clock.advance(0);
  expect(next.ran).toHaveLength(1);

  const other = setUp();
  other.fate.failure = new MooringError('SINK_FAILED', 'away');
  await other.schedule.open();
  await other.clock.advance(0);
  other.fate.failure = undefined;
  await other.clock.advance(DAY_MS);
  expect(other.ran).toEqual(['2026-02-01T12:00:00.000Z', '2026-02-02T03:10:00.000Z']);
  expect(other.schedule.status()).toMatchObject([{ done: 1, failed: 1, isFailing: false }]);
});

test('one that cannot be done yet is asked for again within minutes', async () => {
  const { clock, fate, ran, kept, schedule } = setUp();
  fate.isPossible = false;
  await schedule.open();
  await clock.advance(25 * MINUTE_MS);
  expect(ran).toHaveLength(3);
  expect(kept.value).toBeUndefined();
  fate.isPossible = true;
  await clock.advance(HOUR_MS);
  expect(ran).toHaveLength(4);
});

test.each([
  ['forward by a week', 7 * DAY_MS],
  ['back by a year', -365 * DAY_MS],
  ['back by an hour', -HOUR_MS],
])('a clock that is stepped %s neither stops a job nor brings it again and again', async (_, stepMs) => {
  const { clock, ran, schedule } = setUp();
  await schedule.open();
  await clock.advance(DAY_MS);
  expect(ran).toHaveLength(2);
  clock.jumpWall(stepMs);
  await clock.advance(3 * DAY_MS);
  expect(ran.length).toBeGreaterThanOrEqual(5);
  expect(ran.length).toBeLessThanOrEqual(6);
});

test('a job does not run beside itself, and closing calls it off and waits for it', async () => {
  const { clock, fate, ran, said, schedule } = setUp();
  const slow = Promise.withResolvers<void>();
  fate.slow = slow.promise;
  await schedule.open();
  await clock.advance(2 * DAY_MS);
  expect(ran).toHaveLength(1);
  let isClosed = false;
  const closed = schedule.close().then(() => {
    isClosed = true;
  });
  await clock.advance(0);
  expect(isClosed).toBe(false);
  fate.failure = new MooringError('SINK_FAILED', 'closed');
  slow.resolve();
  await closed;
  expect(said.told).toEqual([]);
});

test('one that is added later is made up for then, and one that is taken out does not run any more', async () => {
  const { clock, ran, schedule, end } = setUp();
  await end();
  await schedule.open();
  const later: string[] = [];
  const run = async (): Promise<boolean> => later.push('ran') > 0;
  const endLater = schedule.add({ kind: 'manifests', sink: 'archive', run });
  await clock.advance(DAY_MS);
  expect(later).toHaveLength(2);
  await endLater();
  await clock.advance(DAY_MS);
  expect(later).toHaveLength(2);
  expect(ran).toEqual([]);
});

test('what was kept and cannot be read means that a job is done now', async () => {
  const { clock, said, ran, file, schedule } = setUp();
  file.load = async () => {
    throw new MooringError('STATE_FAILED', 'torn');
  };
  await schedule.open();
  await clock.advance(0);
  expect(ran).toHaveLength(1);
  expect(said.told).toEqual(['warn: it is not known when daily jobs were done last: they are done now']);
});

test('node-cron calls at the times of a pattern until it is ended, and refuses none of ours', async () => {
  const cron = new NodeCron(new LogLines());
  let calls = 0;
  const end = cron.schedule('* * * * * *', () => {
    calls += 1;
  });
  await eventually('it was called', 5000, () => calls > 0);
  end();
  for (const minutes of [0, 59, 600, 24 * 60 - 1])
    cron.schedule(`${minutes % 60} ${Math.floor(minutes / 60)} * * *`, () => undefined)();
});
