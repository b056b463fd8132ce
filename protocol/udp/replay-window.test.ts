import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { REPLAY_WINDOW, ReplayWindow } from './replay-window.ts';

describe('the replay window', () => {
  it('takes each counter once, none at or below the first, and none that is 1,024 below the newest', () => {
    const steps = fc.array(fc.oneof(fc.integer({ min: -1100, max: 40 }), fc.integer({ min: 0, max: 3000 })), {
      maxLength: 300,
    });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5000 }), steps, (first, moves) => {
        const window = new ReplayWindow(first);
        const seen = new Set([first]);
        let newest = first;
        for (const move of moves) {
          const counter = Math.max(1, newest + move);
          const isNew = counter > first && counter > newest - REPLAY_WINDOW && !seen.has(counter);
          expect(window.isNew(counter)).toBe(isNew);
          expect(window.isNew(counter)).toBe(isNew);
          if (!isNew) continue;
          window.see(counter);
          seen.add(counter);
          newest = Math.max(newest, counter);
          expect(window.newest).toBe(newest);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('forgets nothing when the counter leaps far ahead, and works at the largest counters', () => {
    const window = new ReplayWindow(1);
    const far = 2 ** 52;
    window.see(far);
    expect(window.isNew(far)).toBe(false);
    expect(window.isNew(far - REPLAY_WINDOW)).toBe(false);
    for (let back = 1; back < REPLAY_WINDOW; back += 1) expect(window.isNew(far - back)).toBe(true);
  });
});
