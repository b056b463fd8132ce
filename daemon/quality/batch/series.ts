import assert from 'node:assert/strict';
import type { Flag } from '../../../protocol/record.ts';
import { FAIL, flagAbove, flagBelow, type Limits, NOT_EVALUATED, PASS, SUSPECT } from '../flags.ts';
import { rateOf } from '../rate.ts';
import {
  type AdaptiveOutlierRule,
  type AttenuatedRule,
  type FlatLineRule,
  OUTLIER_VALUES_MIN,
  SIGMA_PER_MAD,
} from '../rules.ts';
import { deviationOf, medianOf, rangeOf } from '../statistics.ts';
import { flagEach, type Series, type Value } from './values.ts';

/** How a spike is measured against its two neighbours. */
export type SpikeMethod = 'average' | 'differential';

/**
 * QARTOD spike: a value against the one before and the one after it. `average`: its distance from their mean.
 * `differential`: where it is higher or lower than both, the smaller of the two distances. 2 where a neighbour is missing.
 * A threshold of 0 is none.
 */
export function spike(values: readonly Value[], method: SpikeMethod, limits: Limits<number>): Flag[] {
  const thresholds = { suspect: limits.suspect || undefined, fail: limits.fail || undefined };
  return flagEach(values, (value, index) => {
    const before = values[index - 1];
    const after = values[index + 1];
    if (before === undefined || after === undefined) return NOT_EVALUATED;
    return flagAbove(SPIKE_HEIGHT[method](before, value, after), thresholds);
  });
}

const SPIKE_HEIGHT: Readonly<Record<SpikeMethod, (before: number, value: number, after: number) => number>> = {
  average: (before, value, after) => Math.abs(value - (before + after) / 2),
  differential: (before, value, after) => {
    const rise = value - before;
    const fall = value - after;
    return rise * fall > 0 ? Math.min(Math.abs(rise), Math.abs(fall)) : 0;
  },
};

/** QARTOD rate of change, per second: a value against the one before it; 1 where that is missing, and at the first. */
export function rateOfChange({ timesMs, values }: Series, limits: Limits<number>): Flag[] {
  return flagEach(values, (value, index) => {
    const before = values[index - 1];
    if (before === undefined) return PASS;
    return flagAbove(rateOf(value - before, (timesMs[index] as number) - (timesMs[index - 1] as number)), limits);
  });
}

/** Fewer points than this have no flat line. */
const FLAT_LINE_POINTS_MIN = 3;

/**
 * QARTOD flat line: durations are counted in median steps; a value is flagged when it and so many before it lie within less
 * than the tolerance, what is missing among them left out. Of fewer than three points none is flagged, missing or not.
 */
export function flatLine({ timesMs, values }: Series, { tolerance, durationMs }: FlatLineRule): Flag[] {
  if (values.length < FLAT_LINE_POINTS_MIN) return values.map(() => PASS);
  const stepMs = medianOf(timesMs.slice(1).map((time, index) => time - (timesMs[index] as number)));
  const isFlat = (index: number, thresholdMs: number | undefined): boolean => {
    if (thresholdMs === undefined) return false;
    const count = Math.floor(thresholdMs / stepMs);
    return index >= count && rangeOf(present(values.slice(index - count, index + 1))) < tolerance;
  };
  return flagEach(values, (_, index) => {
    if (isFlat(index, durationMs.fail)) return FAIL;
    return isFlat(index, durationMs.suspect) ? SUSPECT : PASS;
  });
}

/** What is looked at, and when, beside the rule itself. */
interface AttenuatedOptions {
  /** Population standard deviation, of what is not missing; or highest minus lowest, 2 where one of the window is missing. */
  readonly check: 'std' | 'range';
  /** Values that a window must hold, else 2. */
  readonly valuesMin?: number | undefined;
  /** The same as a time, told in median steps. */
  readonly spanMinMs?: number | undefined;
  /** 2 until values have come for a whole period, and again after a silence as long as one. */
  readonly isWholePeriodNeeded?: boolean;
}

/**
 * QARTOD attenuated signal: how much the values in (t - period, t] vary, against thresholds that it must not fall below. An
 * infinite period: all values, the same for every point.
 */
export function attenuated(series: Series, rule: AttenuatedRule, options: AttenuatedOptions): Flag[] {
  const { check, valuesMin = spanMinOf(series, options.spanMinMs), isWholePeriodNeeded = false } = options;
  const isWhole = wholeAfter(rule.periodMs);
  return flagEach(series.values, (_, index) => {
    const hasWhole = isWhole(series.timesMs[index] as number);
    const window = windowOf(series, index, rule.periodMs);
    const values = present(window);
    if (values.length < valuesMin || (isWholePeriodNeeded && !hasWhole)) return NOT_EVALUATED;
    if (check === 'std') return flagBelow(deviationOf(values), rule);
    return values.length < window.length ? NOT_EVALUATED : flagBelow(rangeOf(values), rule);
  });
}

function windowOf({ timesMs, values }: Series, index: number, periodMs: number): readonly Value[] {
  if (periodMs === Number.POSITIVE_INFINITY) return values;
  const afterMs = (timesMs[index] as number) - periodMs;
  return values.filter((_, each) => each <= index && (timesMs[each] as number) > afterMs);
}

function spanMinOf({ timesMs }: Series, spanMinMs: number | undefined): number {
  if (spanMinMs === undefined) return 0;
  return Math.floor(spanMinMs / medianOf(timesMs.slice(1).map((time, index) => time - (timesMs[index] as number))));
}

/** Told the times of values in order, says at each whether they go back for a period without a silence as long. */
function wholeAfter(periodMs: number): (timeMs: number) => boolean {
  let sinceMs: number | undefined;
  let lastMs = Number.NEGATIVE_INFINITY;
  return (timeMs) => {
    if (sinceMs === undefined || timeMs - lastMs >= periodMs) sinceMs = timeMs;
    lastMs = timeMs;
    return timeMs - sinceMs >= periodMs;
  };
}

/** Suspect where a value is further from the median of the window before it than `k` times what is usual there. */
export function adaptiveOutlier({ timesMs, values }: Series, rule: AdaptiveOutlierRule): Flag[] {
  assert(rule.windowMs > 0, 'there is a window');
  return flagEach(values, (value, index) => {
    const fromMs = (timesMs[index] as number) - rule.windowMs;
    const window = present(values.slice(0, index).filter((_, each) => (timesMs[each] as number) >= fromMs));
    if (window.length < OUTLIER_VALUES_MIN) return NOT_EVALUATED;
    const median = medianOf(window);
    const spread = Math.max(SIGMA_PER_MAD * medianOf(window.map((each) => Math.abs(each - median))), rule.spreadMin);
    return flagAbove(Math.abs(value - median), { suspect: rule.k * spread, fail: undefined });
  });
}

function present(values: readonly Value[]): number[] {
  return values.filter((value) => value !== undefined);
}
