import type { Random } from './random.ts';

export interface BackoffOptions {
  /** Upper bound of the first wait, in milliseconds. */
  readonly firstMs: number;
  /** Upper bound of every wait, in milliseconds. */
  readonly maxMs: number;
}

/**
 * Waits between attempts: exponential with full jitter (M. Brooker, "Exponential Backoff And Jitter", AWS, 2015),
 * for ever. Full jitter keeps a thousand gateways from knocking in step after an outage.
 */
export class Backoff {
  readonly #options: BackoffOptions;
  readonly #random: Random;
  #attempts = 0;

  constructor(options: BackoffOptions, random: Random) {
    this.#options = options;
    this.#random = random;
  }

  /** Attempts since the last success. */
  get attempts(): number {
    return this.#attempts;
  }

  /** The next wait in milliseconds, uniform between 0 and the growing bound. */
  nextMs(): number {
    const bound = Math.min(this.#options.maxMs, this.#options.firstMs * 2 ** Math.min(this.#attempts, 30));
    this.#attempts += 1;
    return this.#random.uniform() * bound;
  }

  /** After a success: start over. */
  reset(): void {
    this.#attempts = 0;
  }
}
