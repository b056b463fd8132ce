/**
 * The same rules twice: over a whole series, and value after value. They must agree wherever a rule needs neither a later point
 * nor a median of the whole series.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { adaptiveOutlier, attenuated, flatLine, rateOfChange } from '../../daemon/quality/batch/series.ts';
import { climatology, fixedOutlier, grossRange, type Value } from '../../daemon/quality/batch/values.ts';
import { aggregate } from '../../daemon/quality/flags.ts';
import { LiveQuality } from '../../daemon/quality/live/live-quality.ts';
import { ATTENUATED_VALUES_MIN, type MetricRules } from '../../daemon/quality/rules.ts';

interface Points {
  readonly timesMs: readonly number[];
  readonly values: readonly Value[];
}

const START_MS = Date.UTC(2026, 0, 1);

function liveFlags(rules: MetricRules, { timesMs, values }: Points): number[] {
  const quality = new LiveQuality({ m: rules });
  return values.map((value, index) => {
    const time = timesMs[index] as number;
    const sample = value === undefined ? { metrics: {}, missing: ['m'] } : { metrics: { m: value }, missing: [] };
    return quality.judge(sample, { monotonicMs: time - START_MS, timestampMs: time }).m ?? 1;
  });
}

/** Values that rest, drift and jump, rounded as records have them; some are missing. */
const value = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1998, max: 2002 }).map((each) => each / 100) },
  { weight: 3, arbitrary: fc.integer({ min: -5000, max: 5000 }).map((each) => each / 100) },
  { weight: 1, arbitrary: fc.constant(undefined) },
);
const stepMs = fc.oneof(fc.constantFrom(1000, 60_000), fc.integer({ min: 10, max: 40 * 86_400_000 }));
const irregular: fc.Arbitrary<Points> = fc
  .array(fc.tuple(value, stepMs), { maxLength: 60 })
  .map((points) => ({ timesMs: timesOf(points.map(([, step]) => step)), values: points.map(([each]) => each) }));
const dense: fc.Arbitrary<Points> = fc
  .array(fc.tuple(value, fc.constantFrom(500, 1000, 1000, 1000, 2500, 61_000)), { maxLength: 80 })
  .map((points) => ({ timesMs: timesOf(points.map(([, step]) => step)), values: points.map(([each]) => each) }));

function timesOf(stepsMs: readonly number[]): number[] {
  let time = START_MS;
  return stepsMs.map((step) => (time += step));
}

const threshold = fc.double({ min: 0, max: 20, noNaN: true });
const limits = fc
  .tuple(threshold, threshold)
  .map(([one, other]) => ({ suspect: Math.min(one, other), fail: Math.max(one, other) }));
const spans = fc
  .uniqueArray(fc.integer({ min: -60, max: 60 }), { minLength: 4, maxLength: 4 })
  .map((ends) => ends.toSorted((a, b) => a - b) as [number, number, number, number])
  .map(([a, b, c, d]) => ({ suspect: [b, c] as const, fail: [a, d] as const }));

function agree(
  points: fc.Arbitrary<Points>,
  rules: fc.Arbitrary<MetricRules>,
  batch: (points: Points, rules: MetricRules) => number[],
): void {
  const seen = new Set<number>();
  fc.assert(
    fc.property(points, rules, (series, rule) => {
      const expected = batch(series, rule);
      expect(liveFlags(rule, series)).toEqual(expected);
      for (const flag of expected) seen.add(flag);
    }),
    { numRuns: 300, seed: 11 },
  );
  // A rule that always says the same would agree with anything.
  expect(seen.size).toBeGreaterThanOrEqual(3);
}

describe('live equals batch', () => {
  test('gross range', () => {
    const rules = spans.map((grossRange): MetricRules => ({ grossRange }));
    agree(irregular, rules, ({ values }, { grossRange: each }) => grossRange(values, each as never));
  });

  test('climatology', () => {
    const months = fc.uniqueArray(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 8 });
    const rules = fc.tuple(months, spans).map(
      ([each, span]): MetricRules => ({
        climatology: each.map((month) => ({ period: 'month', season: [month, month], limits: span })),
      }),
    );
    agree(irregular, rules, (series, { climatology: members }) => climatology(series, members as never));
  });

  test('rate of change', () => {
    const rules = limits.map((rateOfChange): MetricRules => ({ rateOfChange }));
    agree(irregular, rules, (series, { rateOfChange: each }) => rateOfChange(series, each as never));
  });

  test('outlier against a fixed mean', () => {
    const rules = threshold.map((sigma): MetricRules => ({ outlier: { mean: 15, sigma, k: 3.72 } }));
    agree(irregular, rules, ({ values }, { outlier }) => fixedOutlier(values, outlier as never));
  });

  test('outlier against a window', () => {
    const rules = fc
      .tuple(fc.constantFrom(20_000, 60_000, 200_000), fc.constantFrom(0, 0.01, 1), fc.constantFrom(1, 3, 5))
      .map(([windowMs, spreadMin, k]): MetricRules => ({ outlier: { windowMs, spreadMin, k } }));
    agree(dense, rules, (series, { outlier }) => adaptiveOutlier(series, outlier as never));
  });

  test('attenuated signal', () => {
    const rules = fc
      .tuple(fc.constantFrom(5000, 20_000, 60_000), limits)
      .map(
        ([periodMs, { suspect, fail }]): MetricRules => ({ attenuated: { periodMs, suspect: fail, fail: suspect } }),
      );
    const options = { check: 'std', valuesMin: ATTENUATED_VALUES_MIN, isWholePeriodNeeded: true } as const;
    agree(dense, rules, (series, { attenuated: each }) => attenuated(series, each as never, options));
  });

  test('flat line, where times are regular, nothing is missing and durations are whole steps', () => {
    const resting = fc
      .array(fc.oneof(fc.constantFrom(20, 20, 20, 20.01, 20.02), fc.integer({ min: 0, max: 40 })), {
        minLength: 3,
        maxLength: 60,
      })
      .map((values) => ({ timesMs: timesOf(values.map(() => 1000)), values }));
    const rules = fc
      .tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 0, max: 6 }), fc.constantFrom(0.015, 0.02, 0.025, 3))
      .map(([steps, more, tolerance]): MetricRules => {
        return { flatLine: { tolerance, durationMs: { suspect: steps * 1000, fail: (steps + more) * 1000 } } };
      });
    agree(resting, rules, (series, { flatLine: each }) => flatLine(series, each as never));
  });
});

test('a value has one flag: that of all its rules', () => {
  const rules = fc.record({
    grossRange: spans,
    rateOfChange: limits,
    outlier: threshold.map((sigma) => ({ mean: 15, sigma, k: 2 })),
  });
  agree(irregular, rules, (series, { grossRange: gross, rateOfChange: rate, outlier }) => {
    const flags = [
      grossRange(series.values, gross as never),
      rateOfChange(series, rate as never),
      fixedOutlier(series.values, outlier as never),
    ];
    return series.values.map((_, index) => aggregate(flags.map((each) => each[index] as number)));
  });
});
