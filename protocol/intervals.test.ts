import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countOf, IntervalSet, type Range, rangesOf } from './intervals.ts';

const MOST = 60;
const anyRange = fc.tuple(fc.nat(MOST), fc.nat(MOST)).map(([a, b]): Range => [Math.min(a, b), Math.max(a, b)]);
const anyStep = fc.tuple(fc.constantFrom('add' as const, 'remove' as const), anyRange);

function numbersOf(ranges: Iterable<Range>): number[] {
  return [...ranges].flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, index) => first + index));
}

describe('a set of intervals', () => {
  it('is what a plain set of numbers is, whatever is added and removed', () => {
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 40 }), anyRange, (steps, [from, to]) => {
        const intervals = new IntervalSet();
        const naive = new Set<number>();
        for (const [verb, [first, last]] of steps) {
          const before = naive.size;
          for (const number of numbersOf([[first, last]])) naive[verb === 'add' ? 'add' : 'delete'](number);
          expect(intervals[verb](first, last)).toBe(Math.abs(naive.size - before));
          expect(intervals.count).toBe(naive.size);
        }
        const sorted = [...naive].sort((a, b) => a - b);
        const window = numbersOf([[from, to]]);
        expect(numbersOf(intervals.ranges())).toEqual(sorted);
        expect(intervals.ranges()).toEqual(rangesOf(sorted));
        expect(intervals.rangeCount).toBe(rangesOf(sorted).length);
        expect(intervals.isEmpty).toBe(naive.size === 0);
        expect([intervals.first, intervals.last]).toEqual([sorted[0], sorted.at(-1)]);
        expect(window.filter((number) => intervals.has(number))).toEqual(window.filter((number) => naive.has(number)));
        expect(numbersOf(intervals.within(from, to))).toEqual(window.filter((number) => naive.has(number)));
        expect(numbersOf(intervals.missing(from, to))).toEqual(window.filter((number) => !naive.has(number)));
        expect(intervals.covers(from, to)).toBe(window.every((number) => naive.has(number)));
      }),
      { numRuns: 1000 },
    );
  });

  it('keeps ranges apart that do not touch, and makes one of those that do', () => {
    const set = new IntervalSet([
      [1, 3],
      [5, 6],
    ]);
    expect(set.ranges()).toEqual([
      [1, 3],
      [5, 6],
    ]);
    expect(set.add(4)).toBe(1);
    expect(set.ranges()).toEqual([[1, 6]]);
  });

  it('gives ranges that are not its own', () => {
    const set = new IntervalSet([[1, 3]]);
    (set.ranges()[0] as [number, number])[0] = 2;
    expect(set.has(1)).toBe(true);
  });

  it('holds sequences of 48 bits', () => {
    const set = new IntervalSet([[1, 2 ** 48 - 1]]);
    expect(set.remove(2 ** 47)).toBe(1);
    expect(set.count).toBe(2 ** 48 - 2);
  });

  it.each([
    [2, 1],
    [0.5, 1],
    [1, Number.NaN],
    [0, Number.POSITIVE_INFINITY],
  ])('refuses %d to %d', (first, last) => {
    const set = new IntervalSet();
    for (const verb of ['add', 'remove', 'within'] as const) expect(() => set[verb](first, last)).toThrow(RangeError);
    expect(set.isEmpty).toBe(true);
  });
});

describe('ranges', () => {
  it('of sorted numbers hold exactly them, repeats folded', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(MOST)), (numbers) => {
        const sorted = numbers.toSorted((a, b) => a - b);
        const ranges = rangesOf(sorted);
        expect(numbersOf(ranges)).toEqual([...new Set(sorted)]);
        expect(countOf(ranges)).toBe(new Set(sorted).size);
        for (const [index, [first]] of ranges.entries()) {
          if (index > 0) expect(first).toBeGreaterThan((ranges[index - 1] as Range)[1] + 1);
        }
      }),
    );
  });
});
