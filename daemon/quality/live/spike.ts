import type { Flag } from '../../../protocol/record.ts';
import { flagAbove, type Limits, NOT_EVALUATED } from '../flags.ts';
import type { LiveRule } from './rule.ts';

/**
 * A value against the two before it, as what comes after it is not known yet: where it is higher or lower than both, the
 * smaller of its two distances from them. So a spike is flagged once, not also the return from it, and so is a step.
 * 2 while there are not two, and behind a missing one.
 */
export class LiveSpike implements LiveRule {
  readonly #limits: Limits<number>;
  #before: number | undefined;
  #beforeThat: number | undefined;

  constructor(limits: Limits<number>) {
    this.#limits = limits;
  }

  judge(value: number): Flag {
    const [one, other] = [this.#before, this.#beforeThat];
    this.#beforeThat = one;
    this.#before = value;
    if (one === undefined || other === undefined) return NOT_EVALUATED;
    const beyond = Math.max(value - Math.max(one, other), Math.min(one, other) - value, 0);
    return flagAbove(beyond, this.#limits);
  }

  miss(): void {
    this.#before = undefined;
    this.#beforeThat = undefined;
  }
}
