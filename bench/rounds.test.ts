import { expect, it } from 'vitest';
import { inTurn, median, quantile, turnsOf } from './rounds.ts';

it('a median is the middle one, or between the middle two', () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(median([9, 1, 5, 2])).toBe(3.5);
});

it('a quantile is the smallest value that so large a part of all does not exceed', () => {
  const values = [5, 3, 1, 4, 2];
  expect([0, 0.2, 0.21, 0.99, 1].map((part) => quantile(values, part))).toEqual([1, 1, 2, 5, 5]);
});

it('two sides are measured in turn, after a warm-up that does not count', async () => {
  const calls: string[] = [];
  const side = (name: string, values: readonly number[]): (() => Promise<number>) => {
    const left = [...values];
    return () => {
      calls.push(name);
      return Promise.resolve(left.shift() as number);
    };
  };
  const medians = await inTurn(4, side('a', [1000, 1, 2, 3, 4]), side('b', [1000, 10, 20, 30, 50]));
  expect(medians).toEqual([2.5, 25]);
  expect(calls.join('')).toBe('baabbaabba');
});

it('where time is short each side has one turn that counts', async () => {
  let calls = 0;
  const side = (): Promise<number> => {
    calls += 1;
    return Promise.resolve(calls);
  };
  expect(await turnsOf(5, [side, side], () => true)).toEqual([[3], [4]]);
  calls = 0;
  expect(await turnsOf(5, [side], () => calls > 3)).toEqual([[2, 3, 4]]);
});
