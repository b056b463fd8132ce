import type { Flag } from '../../../protocol/record.ts';
import { flagAbove, type Limits, PASS } from '../flags.ts';
import { rateOf } from '../rate.ts';
import type { SampleTime } from '../types.ts';
import type { LiveRule } from './rule.ts';

/** A value against the one before it, per second of the monotonic clock; 1 for the first, and behind a missing one. */
export class LiveRateOfChange implements LiveRule {
  readonly #limits: Limits<number>;
  #before: { readonly value: number; readonly atMs: number } | undefined;

  constructor(limits: Limits<number>) {
    this.#limits = limits;
  }

  judge(value: number, { monotonicMs }: SampleTime): Flag {
    const before = this.#before;
    this.#before = { value, atMs: monotonicMs };
    return before === undefined
      ? PASS
      : flagAbove(rateOf(value - before.value, monotonicMs - before.atMs), this.#limits);
  }

  miss(): void {
    this.#before = undefined;
  }
}
