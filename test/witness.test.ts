import { expect, test } from 'vitest';
import { type FedValue, judgeWitness, type WitnessedTick } from './witness.ts';

const FED: readonly FedValue[] = [1, 2, 3, 4, 5].map((value) => ({ value, atMs: value * 500 }));
/** A tick every 50 ms for three seconds, with each value in the one after it was fed. */
const TICKS: readonly WitnessedTick[] = Array.from({ length: 60 }, (_, index) => {
  const atMs = (index + 1) * 50;
  const value = FED.find((fed) => fed.atMs + 50 === atMs)?.value;
  return value === undefined ? { run: 'a', atMs } : { run: 'a', atMs, value };
});
const without = (...values: readonly number[]): readonly WitnessedTick[] =>
  TICKS.map((tick) => (values.includes(tick.value ?? 0) ? { run: tick.run, atMs: tick.atMs } : tick));

test('each value once is a clean testimony', () => {
  const clean = { fed: 5, excused: 0, overtaken: 0, lost: [], repeated: [], invented: [] };
  expect(judgeWitness(FED, [], TICKS)).toEqual(clean);
});

test('a value that is missing is lost, unless it was fed in a downtime', () => {
  const downtimes = [{ fromMs: 1300, toMs: 1500 }];
  expect(judgeWitness(FED, downtimes, without(2, 3))).toMatchObject({ excused: 1, overtaken: 0, lost: [2] });
});

test('a value is overtaken where the process stood still until the next one came, and only there', () => {
  const ticks = without(2, 4).filter(({ atMs }) => atMs <= 950 || atMs >= 1550);
  expect(judgeWitness(FED, [], ticks)).toMatchObject({ overtaken: 1, lost: [4] });
});

test('one value in ten may be overtaken; where more seem so, they are lost', () => {
  const fed = Array.from({ length: 40 }, (_, index): FedValue => ({ value: index + 1, atMs: (index + 1) * 500 }));
  const overtaking = (count: number): readonly WitnessedTick[] => {
    const taken = new Map(fed.slice(count).map(({ value, atMs }) => [atMs + 50, value]));
    return Array.from({ length: 420 }, (_, index): WitnessedTick => {
      const value = taken.get((index + 1) * 50);
      return { run: 'a', atMs: (index + 1) * 50, ...(value === undefined ? {} : { value }) };
    }).filter(({ atMs }) => atMs <= 450 || atMs > (count + 1) * 500);
  };
  expect(judgeWitness(fed, [], overtaking(4))).toMatchObject({ overtaken: 4, lost: [] });
  expect(judgeWitness(fed, [], overtaking(5))).toMatchObject({ overtaken: 0, lost: [1, 2, 3, 4, 5] });
});

test('what lies between two runs is no standstill: a kill costs no more than its loss window', () => {
  const ticks = without(2)
    .filter(({ atMs }) => atMs <= 950 || atMs >= 1550)
    .map((tick) => (tick.atMs >= 1550 ? { ...tick, run: 'b' } : tick));
  const downtimes = [{ fromMs: 1200, toMs: 1500 }];
  expect(judgeWitness(FED, downtimes, ticks)).toMatchObject({ overtaken: 0, lost: [2] });
});

test('a value that is there twice is repeated, also one of a downtime', () => {
  const downtimes = [{ fromMs: 1300, toMs: 1800 }];
  const again = [...TICKS, { run: 'a', atMs: 3050, value: 3 }, { run: 'a', atMs: 3100, value: 5 }];
  expect(judgeWitness(FED, downtimes, again)).toMatchObject({ lost: [], repeated: [3, 5] });
});

test('a value that nobody fed is invented', () => {
  expect(judgeWitness(FED, [], [...TICKS, { run: 'a', atMs: 3050, value: 6 }])).toMatchObject({ invented: [6] });
});
