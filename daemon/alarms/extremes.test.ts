import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SlidingExtreme } from './extremes.ts';

test('the extreme of a sliding window is that of everything in it, whatever was before', () => {
  const series = fc.array(fc.record({ value: fc.integer({ min: 0, max: 9 }), afterMs: fc.nat(400) }), {
    maxLength: 300,
    size: 'max',
  });
  fc.assert(
    fc.property(
      series,
      fc.constantFrom('lowest' as const, 'highest' as const),
      fc.nat(2000),
      (points, kind, withinMs) => {
        const extreme = new SlidingExtreme(kind, withinMs);
        const seen: { readonly value: number; readonly atMs: number }[] = [];
        let atMs = 0;
        for (const { value, afterMs } of points) {
          atMs += afterMs;
          seen.push({ value, atMs });
          const now = atMs;
          const inWindow = seen.filter((each) => now - each.atMs <= withinMs).map((each) => each.value);
          expect(extreme.push(value, atMs)).toBe(kind === 'lowest' ? Math.min(...inWindow) : Math.max(...inWindow));
        }
      },
    ),
    { numRuns: 200 },
  );
});

test('of a long window it keeps no more values than there are steps between the lowest and the highest', () => {
  const extreme = new SlidingExtreme('highest', 1e9);
  for (let second = 0; second < 50_000; second += 1)
    extreme.push(Math.round(10 * Math.sin(second / 50)), second * 1000);
  expect(extreme.size).toBeLessThanOrEqual(21);
});

test('what has left a window is forgotten', () => {
  const extreme = new SlidingExtreme('highest', 1000);
  for (let index = 0; index < 10_000; index += 1) extreme.push(-index, index);
  expect(extreme.size).toBe(1001);
});
