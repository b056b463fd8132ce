import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SteppedClock } from '../../sim/clock.ts';
import { alignedStartMs, Metronome, type Tick } from './metronome.ts';

const DAY_MS = 24 * 3_600_000;

function started(
  everyMs: number,
  firstMs = 0,
): { clock: SteppedClock; ticks: (Tick & { atMs: number })[]; metronome: Metronome } {
  const clock = new SteppedClock();
  const ticks: (Tick & { atMs: number })[] = [];
  const metronome = new Metronome(clock, everyMs, (tick) => ticks.push({ ...tick, atMs: clock.monotonicMs() }));
  metronome.start(firstMs);
  return { clock, ticks, metronome };
}

describe('ticks', () => {
  it('do not drift in a day of seconds, although every timer comes late', async () => {
    const { clock, ticks } = started(1000, 0.4);
    for (let hour = 0; hour < 24; hour += 1) {
      await clock.advance(DAY_MS / 24);
      clock.stall(7);
    }
    await clock.advance(1000);
    expect(ticks.every(({ dueMs, index }) => dueMs === 0.4 + index * 1000)).toBe(true);
    expect(ticks.every(({ dueMs, atMs }) => atMs >= dueMs && atMs - dueMs < 8)).toBe(true);
    expect(ticks.length).toBe(86_402);
  });

  it('do not bunch after a stall: the missed ones are skipped and counted, the newest is run', async () => {
    const { clock, ticks } = started(1000);
    await clock.advance(2500);
    clock.stall(7200);
    await clock.advance(1000);
    expect(ticks.map(({ index, skipped }) => [index, skipped])).toEqual([
      [0, 0],
      [1, 0],
      [2, 0],
      [9, 6],
      [10, 0],
    ]);
  });

  it('are untouched by a wall clock that jumps by years', async () => {
    const { clock, ticks } = started(1000);
    await clock.advance(3000);
    clock.jumpWall(30 * 365 * DAY_MS);
    await clock.advance(3000);
    clock.jumpWall(-56 * 365 * DAY_MS);
    await clock.advance(3000);
    expect(ticks.map(({ dueMs }) => dueMs)).toEqual(Array.from({ length: 10 }, (_, index) => index * 1000));
  });

  it('come no more after a stop, and leave no timer', async () => {
    const { clock, ticks, metronome } = started(1000);
    await clock.advance(1500);
    metronome.stop();
    await clock.advance(5000);
    expect(ticks.length).toBe(2);
    expect(clock.pendingTimers).toBe(0);
    expect(metronome.nextDueMs).toBeUndefined();
  });

  it('account for every due time, run or skipped, whatever the stalls', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 10, max: 500 }),
        fc.array(fc.tuple(fc.integer({ min: 0, max: 900 }), fc.integer({ min: 0, max: 2000 })), { maxLength: 8 }),
        async (everyMs, steps) => {
          const { clock, ticks } = started(everyMs);
          for (const [advanceMs, stallMs] of steps) {
            await clock.advance(advanceMs);
            clock.stall(stallMs);
          }
          await clock.advance(0);
          const due = Math.floor(clock.monotonicMs() / everyMs) + 1;
          expect(ticks.reduce((sum, { skipped }) => sum + skipped + 1, 0)).toBe(due);
          expect(ticks.every(({ atMs, dueMs }) => atMs >= dueMs && atMs - dueMs < everyMs)).toBe(true);
        },
      ),
      { numRuns: 50 },
    );
  });
});

describe('the first tick', () => {
  const wall = Date.UTC(2026, 0, 1, 12, 30, 17, 250);

  it.each([
    [1000, Date.UTC(2026, 0, 1, 12, 30, 18)],
    [100, Date.UTC(2026, 0, 1, 12, 30, 17, 300)],
    [50, wall],
    [5000, Date.UTC(2026, 0, 1, 12, 30, 20)],
    [7000, Date.UTC(2026, 0, 1, 12, 30, 18)],
    [60_000, Date.UTC(2026, 0, 1, 12, 31)],
    [3_600_000, Date.UTC(2026, 0, 1, 12, 31)],
  ])('of one every %i ms stands at a round time', (everyMs, expected) => {
    const nowMs = 12_345.678;
    const offsetMs = wall - nowMs;
    expect(Math.abs(alignedStartMs(nowMs, everyMs, offsetMs) + offsetMs - expected)).toBeLessThan(0.01);
  });
});
