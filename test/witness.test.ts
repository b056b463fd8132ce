import { expect, test } from 'vitest';
import { type FedValue, judgeWitness } from './witness.ts';

const FED: readonly FedValue[] = [1, 2, 3, 4, 5].map((value) => ({ value, atMs: value * 1000 }));

test('each value once is a clean testimony', () => {
  expect(judgeWitness(FED, [], [5, 3, 1, 2, 4])).toEqual({ fed: 5, excused: 0, lost: [], repeated: [], invented: [] });
});

test('a value that is missing is lost, unless it was fed in a downtime', () => {
  const downtimes = [{ fromMs: 2500, toMs: 3000 }];
  expect(judgeWitness(FED, downtimes, [1, 4, 5])).toMatchObject({ excused: 1, lost: [2] });
});

test('a value that is there twice is repeated, also one of a downtime', () => {
  const downtimes = [{ fromMs: 2500, toMs: 3500 }];
  expect(judgeWitness(FED, downtimes, [1, 2, 3, 3, 4, 5, 5])).toMatchObject({ lost: [], repeated: [3, 5] });
});

test('a value that nobody fed is invented', () => {
  expect(judgeWitness(FED, [], [1, 2, 3, 4, 5, 6])).toMatchObject({ invented: [6] });
});
