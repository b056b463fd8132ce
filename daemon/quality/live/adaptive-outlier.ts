import type { Flag } from '../../../protocol/record.ts';
import { flagAbove, NOT_EVALUATED } from '../flags.ts';
import { type AdaptiveOutlierRule, OUTLIER_VALUES_MIN, SIGMA_PER_MAD } from '../rules.ts';
import type { SampleTime } from '../types.ts';
import type { LiveRule } from './rule.ts';

/** Values of a window that are remembered: of those that come faster, one in so many. */
const VALUES_MAX = 512;

/**
 * A value against the median of the window before it and its median absolute deviation, which outliers in the window hardly
 * move (Hampel 1974). A new level is unusual until it fills half of the window. 2 while the window holds less than eight values.
 */
export class LiveAdaptiveOutlier implements LiveRule {
  readonly #rule: AdaptiveOutlierRule;
  readonly #apartMs: number;
  /** In the order of time. */
  readonly #window: { readonly value: number; readonly atMs: number }[] = [];
  /** The same values in their own order. */
  readonly #sorted: number[] = [];

  constructor(rule: AdaptiveOutlierRule) {
    this.#rule = rule;
    this.#apartMs = rule.windowMs / VALUES_MAX;
  }

  judge(value: number, { monotonicMs }: SampleTime): Flag {
    const fromMs = monotonicMs - this.#rule.windowMs;
    while ((this.#window[0]?.atMs ?? monotonicMs) < fromMs) this.#forgetOldest();
    const flag = this.#flagOf(value);
    if (monotonicMs - (this.#window.at(-1)?.atMs ?? Number.NEGATIVE_INFINITY) >= this.#apartMs) {
      this.#window.push({ value, atMs: monotonicMs });
      this.#sorted.splice(placeOf(this.#sorted, value), 0, value);
    }
    return flag;
  }

  #flagOf(value: number): Flag {
    if (this.#sorted.length < OUTLIER_VALUES_MIN) return NOT_EVALUATED;
    const median = middleOf(this.#sorted);
    const spread = Math.max(SIGMA_PER_MAD * medianDeviation(this.#sorted, median), this.#rule.spreadMin);
    return flagAbove(Math.abs(value - median), { suspect: this.#rule.k * spread, fail: undefined });
  }

  #forgetOldest(): void {
    const oldest = this.#window.shift();
    if (oldest !== undefined) this.#sorted.splice(placeOf(this.#sorted, oldest.value), 1);
  }
}

/** Where the first value stands that is not below `value`. */
function placeOf(sorted: readonly number[], value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function middleOf(sorted: readonly number[]): number {
  return ((sorted[(sorted.length - 1) >> 1] as number) + (sorted[sorted.length >> 1] as number)) / 2;
}

/** The median distance from the median, without sorting: distances grow to both sides, and the smaller of two is the next. */
function medianDeviation(sorted: readonly number[], median: number): number {
  let above = placeOf(sorted, median);
  let below = above - 1;
  const distances: number[] = [];
  while (distances.length <= sorted.length >> 1) {
    const down = below < 0 ? Number.POSITIVE_INFINITY : median - (sorted[below] as number);
    const up = above >= sorted.length ? Number.POSITIVE_INFINITY : (sorted[above] as number) - median;
    distances.push(Math.min(down, up));
    if (down <= up) below -= 1;
    else above += 1;
  }
  const last = distances.at(-1) as number;
  return sorted.length % 2 === 1 ? last : ((distances.at(-2) as number) + last) / 2;
}
