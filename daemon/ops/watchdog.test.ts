import { expect, test } from 'vitest';
import { silentLog } from '../../runtime/log.ts';
import { SteppedClock } from '../../sim/clock.ts';
import { Watchdog } from './watchdog.ts';

test('the watchdog is fed at its interval while every check is content', async () => {
  const clock = new SteppedClock();
  let fed = 0;
  const watchdog = new Watchdog(clock, silentLog, 5000, () => (fed += 1), [() => undefined]);
  watchdog.start();
  await clock.advance(30_000);
  expect(fed).toBe(7);
  watchdog.stop();
  await clock.advance(30_000);
  expect(fed).toBe(7);
});

test('one discontented check starves the watchdog until it is content again', async () => {
  const clock = new SteppedClock();
  let fed = 0;
  let reason: string | undefined;
  const watchdog = new Watchdog(clock, silentLog, 1000, () => (fed += 1), [() => undefined, () => reason]);
  watchdog.start();
  reason = 'an append is not answered';
  await clock.advance(10_000);
  expect(fed).toBe(1);
  reason = undefined;
  await clock.advance(1000);
  expect(fed).toBe(2);
});

test('a day of content checks never leaves the watchdog unfed for longer than its interval', async () => {
  const clock = new SteppedClock();
  let lastFedMs = 0;
  let longestMs = 0;
  const feed = (): void => {
    longestMs = Math.max(longestMs, clock.monotonicMs() - lastFedMs);
    lastFedMs = clock.monotonicMs();
  };
  const watchdog = new Watchdog(clock, silentLog, 60_000, feed, [() => undefined]);
  watchdog.start();
  await clock.advance(86_400_000);
  expect(longestMs).toBe(60_000);
});
