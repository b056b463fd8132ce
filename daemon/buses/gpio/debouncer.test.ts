import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { GpioEdge } from '../../../drivers/driver.ts';
import { Debouncer } from './debouncer.ts';

/** Edges as pairs of level and time. */
const edges = (...pairs: readonly [0 | 1, number][]): GpioEdge[] => pairs.map(([level, atMs]) => ({ level, atMs }));

/** What is told of them once the line is quiet. */
function told(debounceMs: number, raw: readonly GpioEdge[]): GpioEdge[] {
  const debouncer = new Debouncer(debounceMs);
  const out = raw.flatMap((edge) => debouncer.take(edge));
  return [...out, ...debouncer.settle(Number.POSITIVE_INFINITY)];
}

test('a contact that bounces as it closes and as it opens is one pulse, at its first edges', () => {
  const raw = edges([0, 0], [1, 1], [0, 2], [1, 100], [0, 101], [1, 103]);
  expect(told(20, raw)).toEqual(edges([0, 0], [1, 100]));
});

test('a press that ends while it still bounces ends: nothing stays pressed', () => {
  expect(told(50, edges([0, 0], [1, 10]))).toEqual(edges([0, 0], [1, 10]));
  const debouncer = new Debouncer(50);
  debouncer.take({ level: 0, atMs: 0 });
  expect(debouncer.dueMs).toBeUndefined();
  debouncer.take({ level: 1, atMs: 10 });
  expect(debouncer.dueMs).toBe(50);
  expect(debouncer.settle(49)).toEqual([]);
  expect(debouncer.settle(50)).toEqual(edges([1, 10]));
  expect(debouncer.dueMs).toBeUndefined();
});

test('pulses that are farther apart than contacts bounce are all counted, each at its time', () => {
  const raw = Array.from(
    { length: 400 },
    (_, index): GpioEdge => ({ level: index % 2 === 0 ? 1 : 0, atMs: index * 5 }),
  );
  expect(told(5, raw)).toEqual(raw);
});

test('without debouncing every edge is told, also two of one level that had one between them too short to see', () => {
  const raw = edges([1, 0], [1, 0.2], [0, 0.3]);
  expect(told(0, raw)).toEqual(raw);
});

test('whatever comes: what is told alternates, is not more than the time allows, and ends where the line is', () => {
  const steps = fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 30 }), (gaps, debounceMs) => {
      let atMs = 0;
      const raw = gaps.map((gapMs, index): GpioEdge => {
        atMs += gapMs;
        return { level: index % 2 === 0 ? 1 : 0, atMs };
      });
      const out = told(debounceMs, raw);
      expect(out[0]).toEqual(raw[0]);
      expect(out.at(-1)?.level).toBe(raw.at(-1)?.level);
      out.forEach((edge, index) => {
        expect(raw).toContainEqual(edge);
        if (index > 0) expect(edge.level).not.toBe(out[index - 1]?.level);
      });
      expect(out.length).toBeLessThanOrEqual((atMs - (raw[0]?.atMs ?? 0)) / debounceMs + 2);
    }),
    { numRuns: 300 },
  );
});
