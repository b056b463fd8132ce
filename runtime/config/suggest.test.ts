import fc from 'fast-check';
import { expect, test } from 'vitest';
import { didYouMean, editDistance, nearestOf } from './suggest.ts';

test('the edit distance counts insertions, deletions, substitutions and swaps of neighbours', () => {
  expect(editDistance('', 'abc')).toBe(3);
  expect(editDistance('kitten', 'sitting')).toBe(3);
  expect(editDistance('evrey', 'every')).toBe(1);
  expect(editDistance('ca', 'abc')).toBe(3);
});

test('the edit distance is symmetric, zero only for equal words, and at most the longer length', () => {
  const word = fc.string({ maxLength: 12, unit: fc.constantFrom('a', 'b', 'c') });
  fc.assert(
    fc.property(word, word, (a, b) => {
      const distance = editDistance(a, b);
      expect(editDistance(b, a)).toBe(distance);
      expect(distance === 0).toBe(a === b);
      expect(distance).toBeLessThanOrEqual(Math.max(a.length, b.length));
      expect(distance).toBeGreaterThanOrEqual(Math.abs(a.length - b.length));
    }),
  );
});

test('a near word is suggested, the nearest first, and a far one is not', () => {
  expect(nearestOf('statoins', ['station', 'stations', 'store'])).toBe('stations');
  expect(nearestOf('EVERY', ['every'])).toBe('every');
  expect(nearestOf('colour', ['path', 'budget'])).toBeUndefined();
  expect(nearestOf('soil_temperature', ['cpu_temperature', 'temperature'])).toBeUndefined();
  expect(nearestOf('prot', ['port', 'part'])).toBe('port');
  expect(didYouMean('buget', ['budget'])).toBe('Did you mean `budget`?');
  expect(didYouMean('x', [])).toBe('');
});
