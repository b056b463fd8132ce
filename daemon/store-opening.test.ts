import { expect, test } from 'vitest';
import { MooringError } from '../runtime/errors.ts';
import { SteppedClock } from '../sim/clock.ts';
import { LogLines } from '../test/log-lines.ts';
import { openPatiently } from './store-opening.ts';

const FULL = new MooringError('STORE_FULL', 'the disk is full');
const IN_USE = new MooringError('STORE_IN_USE', 'another process has the store open');

/** Attempts that end as `outcomes` say, the last of them again and again. */
function setUp(...outcomes: readonly (() => Promise<void>)[]) {
  const clock = new SteppedClock();
  const log = new LogLines();
  const stopping = new AbortController();
  const hopeless: unknown[] = [];
  let [attempts, answers] = [0, 0];
  const opened = openPatiently({
    open: async () => {
      attempts += 1;
      await outcomes[Math.min(attempts, outcomes.length) - 1]?.();
    },
    clock,
    log,
    signal: stopping.signal,
    onAnswer: () => {
      answers += 1;
    },
    onHopeless: (error) => hopeless.push(error),
  });
  return { clock, log, stopping, hopeless, opened, attempts: () => attempts, answers: () => answers };
}

const well = async (): Promise<void> => await Promise.resolve();
const fails = (error: Error) => async (): Promise<void> => await Promise.reject(error);
const hangs = async (): Promise<void> => await new Promise<never>(() => undefined);

test('a store that opens is waited for, and nothing is said', async () => {
  const { clock, log, opened } = setUp(well);
  expect([await opened, log.told, clock.pendingTimers]).toEqual([true, [], 0]);
});

test.each(['STORE_FULL', 'STORE_FAILED', 'STORE_DAMAGED'] as const)(
  '%s holds nobody up, is told once and tried until it is well',
  async (code) => {
    const bad = fails(new MooringError(code, 'bad'));
    const { clock, log, opened, attempts } = setUp(bad, bad, bad, well);
    expect([await opened, attempts()]).toEqual([true, 1]);
    await clock.advance(60_000);
    expect([attempts(), log.told, clock.pendingTimers]).toEqual([
      4,
      ['error: the store cannot be opened: alarms go on without it, and it is tried again', 'info: the store is open'],
      0,
    ]);
  },
);

test('a disk that does not answer holds everything up for five seconds, and is not asked twice at once', async () => {
  const { clock, opened, attempts } = setUp(hangs);
  let hasAnswered: boolean | undefined;
  void opened.then((has) => {
    hasAnswered = has;
  });
  await clock.advance(4999);
  expect(hasAnswered).toBeUndefined();
  await clock.advance(1);
  expect(hasAnswered).toBe(false);
  await clock.advance(3_600_000);
  expect(attempts()).toBe(1);
});

test.each([
  ['that it is well', undefined, 1, 0],
  ['that it is full', FULL, 1, 0],
  ["that the store is another gateway's", IN_USE, 0, 1],
])('a disk that answers late, %s, is told of', async (_, error, answered, ended) => {
  const late = Promise.withResolvers<void>();
  const { clock, opened, answers, hopeless } = setUp(async () => await late.promise, well);
  await clock.advance(5000);
  expect([await opened, answers()]).toEqual([false, 0]);
  if (error === undefined) late.resolve();
  else late.reject(error);
  await clock.advance(60_000);
  expect([answers(), hopeless.length]).toEqual([answered, ended]);
});

test("another gateway's store ends it: at once where the first attempt says so, and where a later one does", async () => {
  await expect(setUp(fails(IN_USE)).opened).rejects.toBe(IN_USE);
  const { clock, opened, hopeless, attempts } = setUp(fails(FULL), fails(IN_USE));
  await opened;
  await clock.advance(60_000);
  expect([hopeless, attempts()]).toEqual([[IN_USE], 2]);
});

test('nobody tries on for a gateway that ends', async () => {
  const { clock, opened, stopping, attempts } = setUp(fails(FULL));
  await opened;
  stopping.abort();
  await clock.advance(60_000);
  expect([attempts(), clock.pendingTimers]).toEqual([1, 0]);
});
