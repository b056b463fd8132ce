import type { SeededRandom } from '../../runtime/random.ts';

const HOUR_MS = 3_600_000;

/** A slow, never repeating signal in [−1, 1]: sines of fixed periods and seeded phases, the longest the strongest. */
export class Wave {
  readonly #parts: readonly { readonly hours: number; readonly phase: number; readonly weight: number }[];

  /** @param hours periods, best incommensurable ones */
  constructor(hours: readonly number[], random: SeededRandom) {
    const sum = hours.reduce((total, _, index) => total + 1 / (index + 1), 0);
    this.#parts = hours.map((each, index) => ({
      hours: each,
      phase: random.uniform(),
      weight: 1 / (index + 1) / sum,
    }));
  }

  at(timeMs: number): number {
    let value = 0;
    for (const { hours, phase, weight } of this.#parts) {
      value += weight * Math.sin(2 * Math.PI * ((timeMs / (hours * HOUR_MS)) % 1) + 2 * Math.PI * phase);
    }
    return value;
  }
}
