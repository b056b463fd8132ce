import assert from 'node:assert/strict';
import type { Flag } from '../../../protocol/record.ts';
import { flagLasting } from '../flags.ts';
import type { FlatLineRule } from '../rules.ts';
import type { SampleTime } from '../types.ts';
import type { LiveRule } from './rule.ts';

/** Extremes that are remembered: rounded values within a tolerance are few. Beyond it a line counts as shorter than it is. */
const EXTREMES_MAX = 1024;

interface Extreme {
  readonly value: number;
  /** When the value after it came: from then on it is past. */
  nextMs: number;
}

/**
 * How long the newest values have all lain within less than the tolerance, by the monotonic clock. What is missing among them
 * is passed over; a silence longer than the shortest duration begins a new line, as nobody knows what was in it.
 */
export class LiveFlatLine implements LiveRule {
  readonly #rule: FlatLineRule;
  readonly #silenceMs: number;
  /** The lowest value of the line, the lowest of what came after that, and so on up to the newest. */
  readonly #lows: Extreme[] = [];
  readonly #highs: Extreme[] = [];
  #sinceMs = 0;
  #lastMs = Number.NEGATIVE_INFINITY;

  constructor(rule: FlatLineRule) {
    const { suspect = Number.POSITIVE_INFINITY, fail = Number.POSITIVE_INFINITY } = rule.durationMs;
    assert(rule.tolerance > 0, 'nothing lies within less than no tolerance');
    this.#rule = rule;
    this.#silenceMs = Math.min(suspect, fail);
  }

  judge(value: number, { monotonicMs }: SampleTime): Flag {
    if (monotonicMs - this.#lastMs > this.#silenceMs) this.#begin(monotonicMs);
    this.#lastMs = monotonicMs;
    this.#remember(this.#lows, value, (older) => older >= value, monotonicMs);
    this.#remember(this.#highs, value, (older) => older <= value, monotonicMs);
    while (this.#rangeIsTooWide()) this.#forget(this.#oldest());
    for (const extremes of [this.#lows, this.#highs]) if (extremes.length > EXTREMES_MAX) this.#forget(extremes);
    return flagLasting(monotonicMs - this.#sinceMs, this.#rule.durationMs);
  }

  #begin(atMs: number): void {
    this.#lows.length = 0;
    this.#highs.length = 0;
    this.#sinceMs = atMs;
  }

  /** Those that the new value makes pointless go: it is newer, and as extreme. */
  #remember(extremes: Extreme[], value: number, isPointless: (older: number) => boolean, atMs: number): void {
    let last = extremes.at(-1);
    if (last?.nextMs === Number.POSITIVE_INFINITY) last.nextMs = atMs;
    while (last !== undefined && isPointless(last.value)) {
      extremes.pop();
      last = extremes.at(-1);
    }
    extremes.push({ value, nextMs: Number.POSITIVE_INFINITY });
  }

  #rangeIsTooWide(): boolean {
    const [low] = this.#lows;
    const [high] = this.#highs;
    return low !== undefined && high !== undefined && high.value - low.value >= this.#rule.tolerance;
  }

  #oldest(): Extreme[] {
    const [low] = this.#lows;
    const [high] = this.#highs;
    return (low as Extreme).nextMs <= (high as Extreme).nextMs ? this.#lows : this.#highs;
  }

  /** The line begins behind the value that does not belong to it any more. */
  #forget(extremes: Extreme[]): void {
    const gone = extremes.shift() as Extreme;
    this.#sinceMs = Math.max(this.#sinceMs, gone.nextMs);
  }
}
