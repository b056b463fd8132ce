import fc from 'fast-check';
import { expect, test } from 'vitest';
import { IntervalSet, type Range, rangesOf } from '../../protocol/intervals.ts';
import { intersect, shifted, subtract } from './range-lists.ts';

const numbers = fc.uniqueArray(fc.integer({ min: 1, max: 60 })).map((values) => values.sort((a, b) => a - b));

test('lists of ranges are sets of numbers', () => {
  fc.assert(
    fc.property(numbers, numbers, (some, others) => {
      const [left, right] = [rangesOf(some), rangesOf(others)];
      expect(subtract(left, right)).toEqual(rangesOf(some.filter((value) => !others.includes(value))));
      expect(intersect(left, right)).toEqual(rangesOf(some.filter((value) => others.includes(value))));
      expect(shifted(left, 7)).toEqual(rangesOf(some.map((value) => value + 7)));
    }),
    { numRuns: 2000 },
  );
});

test('a set gives the range around a number, and its ranges from a number on', () => {
  fc.assert(
    fc.property(numbers, fc.integer({ min: 0, max: 61 }), (values, from) => {
      const ranges = rangesOf(values);
      const set = new IntervalSet(ranges);
      expect(set.rangeOf(from)).toEqual(ranges.find(([first, last]) => first <= from && from <= last));
      expect([...set.rangesFrom(from)]).toEqual(rangesOf(values.filter((value) => value >= from)) as Range[]);
    }),
  );
});
