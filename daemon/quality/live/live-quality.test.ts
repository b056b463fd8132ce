import { describe, expect, test } from 'vitest';
import type { MetricValue } from '../../../protocol/record.ts';
import { CITY_RULES } from '../city.ts';
import type { MetricRules } from '../rules.ts';
import { LiveQuality } from './live-quality.ts';

/** The flags of a series, a second apart where nothing else is said; undefined is a missing value. */
function flagsOf(rules: MetricRules, values: readonly (number | undefined)[], timesMs?: readonly number[]): number[] {
  const quality = new LiveQuality({ m: rules });
  return values.map((value, index) => {
    const at = { monotonicMs: timesMs?.[index] ?? index * 1000, timestampMs: 0 };
    const sample = value === undefined ? { metrics: {}, missing: ['m'] } : { metrics: { m: value }, missing: [] };
    return quality.judge(sample, at).m ?? 1;
  });
}

const limits = { suspect: 2, fail: 5 };
const NONE = undefined;

describe('a sample', () => {
  const judge = (metrics: Record<string, MetricValue>, missing: string[], rules: Record<string, MetricRules>): object =>
    new LiveQuality(rules).judge({ metrics, missing }, { monotonicMs: 0, timestampMs: 0 });

  test('has flags only for what did not pass, and 9 for what is missing, with rules or without', () => {
    const rules = { a: { grossRange: { suspect: [0, 1], fail: NONE } }, b: { spike: limits } } as const;
    expect(judge({ a: 2, b: 3, c: 4 }, ['d'], rules)).toEqual({ a: 3, b: 2, d: 9 });
    expect(judge({ a: 1 }, ['b'], rules)).toEqual({ b: 9 });
  });

  test('has no flags of numbers on what is true or false or a text', () => {
    const rules = { door: { spike: limits }, state: { grossRange: { suspect: [0, 1], fail: NONE } } } as const;
    expect(judge({ door: true, state: 'up' }, [], rules)).toEqual({});
  });

  test('of a city is suspect beyond 3.72 standard deviations', () => {
    expect(judge({ temperature: 32.44, humidity: 71.17, rainfall: 0, wind_speed: 80 }, [], CITY_RULES)).toEqual({
      humidity: 3,
      wind_speed: 3,
    });
    expect(Object.keys(CITY_RULES)).toHaveLength(9);
  });

  test('is judged by the month of its label, UTC', () => {
    const quality = new LiveQuality({
      m: { climatology: [{ period: 'month', season: [6, 6], limits: { suspect: [10, 40], fail: [0, 45] } }] },
    });
    const flagAt = (timestampMs: number): unknown =>
      quality.judge({ metrics: { m: 5 }, missing: [] }, { monotonicMs: 0, timestampMs }).m;
    expect(flagAt(Date.UTC(2026, 5, 1))).toBe(3);
    expect(flagAt(Date.UTC(2026, 5, 1) - 1)).toBe(2);
  });
});

describe('spike', () => {
  test('is beyond both of the two values before it, by more than the threshold', () => {
    expect(flagsOf({ spike: limits }, [10, 10, 12, 12.01, 18, 12.5])).toEqual([2, 2, 1, 1, 4, 1]);
    expect(flagsOf({ spike: limits }, [10, 10, 12.1, 10, 4.9])).toEqual([2, 2, 3, 1, 4]);
  });

  test('is flagged once, not the return from it; a step is flagged once; a ramp by its steps', () => {
    expect(flagsOf({ spike: limits }, [0, 0, 9, 0, 0, 0])).toEqual([2, 2, 4, 1, 1, 1]);
    expect(flagsOf({ spike: limits }, [0, 0, 9, 9, 9])).toEqual([2, 2, 4, 1, 1]);
    expect(flagsOf({ spike: limits }, [0, 2, 4, 6, 8])).toEqual([2, 2, 1, 1, 1]);
  });

  test('is not looked for until there are two values again behind a missing one', () => {
    expect(flagsOf({ spike: limits }, [0, 0, NONE, 9, 0, 9, 20])).toEqual([2, 2, 9, 2, 2, 1, 4]);
  });
});

describe('rate of change', () => {
  test('is per second of true time, and forgets what came before a missing value', () => {
    const rateOfChange = { suspect: 0.5, fail: 2 };
    expect(flagsOf({ rateOfChange }, [0, 0.5, 1.1, NONE, 90, 87])).toEqual([1, 1, 3, 9, 1, 4]);
    expect(flagsOf({ rateOfChange }, [0, 0.5, 0.5], [0, 500, 500])).toEqual([1, 3, 1]);
    expect(flagsOf({ rateOfChange }, [0, 0.1], [0, 0])).toEqual([1, 4]);
  });
});

describe('flat line', () => {
  const flatLine = { tolerance: 0.01, durationMs: { suspect: 3000, fail: 6000 } };

  test('is flagged from the moment that it has lasted, until a value leaves it', () => {
    expect(flagsOf({ flatLine }, [5, 5, 5, 5, 5.005, 5, 5, 5.02, 5.02])).toEqual([1, 1, 1, 3, 3, 3, 4, 1, 1]);
  });

  test('passes over what is missing, but not over a silence longer than the shortest duration', () => {
    expect(flagsOf({ flatLine }, [5, 5, NONE, 5])).toEqual([1, 1, 9, 3]);
    expect(flagsOf({ flatLine }, [5, 5, NONE, NONE, NONE, 5, 5, 5, 5])).toEqual([1, 1, 9, 9, 9, 1, 1, 1, 3]);
  });

  test('is a slow drift for as long as its newest values lie within the tolerance', () => {
    const drift = Array.from({ length: 12 }, (_, index) => index * 0.003);
    expect(flagsOf({ flatLine }, drift)).toEqual([1, 1, 1, 3, 3, 3, 3, 3, 3, 3, 3, 3]);
  });

  test('counts as shorter, not as longer, where it has more different values than are remembered', () => {
    const steps = 3000;
    const rule = { tolerance: 1, durationMs: { suspect: 1_500_000, fail: 10_000_000 } };
    const rising = Array.from({ length: steps }, (_, index) => index / steps);
    expect(new Set(flagsOf({ flatLine: rule }, rising))).toEqual(new Set([1]));
    const resting = Array.from({ length: steps }, (_, index) => (index % 2) / 2);
    expect(flagsOf({ flatLine: rule }, resting).indexOf(3)).toBe(1500);
  });
});

describe('attenuated signal', () => {
  const attenuated = { periodMs: 4000, suspect: 1, fail: 0.5 };

  test('is not evaluated before a whole period has been seen', () => {
    expect(flagsOf({ attenuated }, [0, 2, 0, 2, 0, 0, 0, 0, 0])).toEqual([2, 2, 2, 2, 1, 3, 3, 4, 4]);
  });

  test('begins anew behind a silence as long as a period', () => {
    const values = [0, 0, 0, 0, 0, NONE, NONE, NONE, 0, 0, 0, 0, 0];
    expect(flagsOf({ attenuated }, values)).toEqual([2, 2, 2, 2, 4, 9, 9, 9, 2, 2, 2, 2, 4]);
  });

  test('is the same of values that come faster than are remembered one by one', () => {
    const fast = Array.from({ length: 6000 }, (_, index) => 20 + (index % 2));
    const times = fast.map((_, index) => index);
    const flags = (suspect: number): number | undefined =>
      flagsOf({ attenuated: { periodMs: 4000, suspect, fail: NONE } }, fast, times).at(-1);
    expect([flags(0.499), flags(0.501)]).toEqual([1, 3]);
  });
});

describe('outlier against a window', () => {
  const rule = (spreadMin = 0.01): MetricRules => ({ outlier: { windowMs: 10_000, k: 5, spreadMin } });
  const noisy = [20, 20.1, 19.9, 20, 20.1, 19.9, 20, 20.1, 19.9, 20];

  test('is far from the median of the window, in its median deviations; before eight values it is not looked for', () => {
    expect(flagsOf({ ...rule() }, [...noisy, 20.9, 20.2])).toEqual([2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 3, 1]);
  });

  test('is found beside others in the window', () => {
    expect(flagsOf(rule(), [...noisy, 30, 30, 30, 20.1, 30]).slice(-5)).toEqual([3, 3, 3, 1, 3]);
  });

  test('ends when a new level fills half of the window', () => {
    const flags = flagsOf(rule(), [...noisy, ...Array.from({ length: 12 }, () => 30)]);
    expect(flags.slice(10, 14)).toEqual([3, 3, 3, 3]);
    expect(flags.slice(-4)).toEqual([1, 1, 1, 1]);
  });

  test('takes one step of the resolution for usual where nothing moved', () => {
    const still = Array.from({ length: 10 }, () => 20);
    expect(flagsOf(rule(0.01), [...still, 20.04, 20.06]).slice(-2)).toEqual([1, 3]);
  });

  test('is found in values that come faster than are remembered one by one', () => {
    const fast = Array.from({ length: 4000 }, (_, index) => 20 + (index % 3) / 10);
    const times = [...fast, 0].map((_, index) => index * 5);
    expect(flagsOf(rule(), [...fast, 25], times).slice(-2)).toEqual([1, 3]);
  });
});
