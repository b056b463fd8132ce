import type { SeededRandom } from '../../../runtime/random.ts';

/** What a value keeps of its distance from the middle, from one reading to the next. */
const KEPT = 0.95;

/**
 * The value after `before`, between two bounds: near it, and drawn back to the middle, as what a sensor in air says. The
 * first of all where `before` is undefined.
 */
export function walked(random: SeededRandom, before: number | undefined, least: number, most: number): number {
  const [middle, deviation] = [(least + most) / 2, (most - least) / 6];
  const from = before ?? random.normal(middle, deviation);
  const next = middle + KEPT * (from - middle) + random.normal(0, deviation * Math.sqrt(1 - KEPT * KEPT));
  return Math.min(most, Math.max(least, next));
}

/** A value that walks between two bounds. */
export class Walk {
  readonly #random: SeededRandom;
  readonly #bounds: readonly [least: number, most: number];
  #value: number | undefined;

  constructor(random: SeededRandom, least: number, most: number) {
    this.#random = random;
    this.#bounds = [least, most];
  }

  next(): number {
    this.#value = walked(this.#random, this.#value, ...this.#bounds);
    return this.#value;
  }
}
