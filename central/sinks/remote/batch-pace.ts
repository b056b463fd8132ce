import type { WritePace } from '../feed/target.ts';

export interface BatchPaceOptions {
  /** The most that a write ever takes. */
  readonly recordsMax: number;
  /** Of the records as JSON. */
  readonly bytesMax: number;
  /** The least that the first record after an idle time waits for others, in milliseconds; 0: it never does. */
  readonly lingerMs: number;
}

/** What a write was about. */
export interface WriteSize {
  readonly records: number;
  readonly bytes: number;
}

/** Grown by that part of the most, after so many full writes: each that is too much again costs a deadline. */
const STEPS = 32;
const WRITES_PER_STEP = 8;
/** How much the last write counts in the mean of them. */
const WEIGHT = 0.2;
/** A store that takes long is waited for this many times longer than it was said, at the most. */
const LINGER_FACTOR = 10;

/**
 * How much is written at once, and how long others are waited for. After a write that was too much, half of it; more again,
 * slowly, while writes that use it succeed. What comes during a write is in the next, so that a store that takes long for
 * each gets larger ones.
 */
export class BatchPace {
  readonly #options: BatchPaceOptions;
  #records: number;
  #bytes: number;
  /** Writes since the last step that used their room. */
  #full = 0;
  #meanMs = 0;

  constructor(options: BatchPaceOptions) {
    this.#options = options;
    this.#records = options.recordsMax;
    this.#bytes = options.bytesMax;
  }

  get pace(): WritePace {
    const { lingerMs } = this.#options;
    const waitMs = Math.min(Math.max(lingerMs, this.#meanMs), lingerMs * LINGER_FACTOR);
    return { records: this.#records, bytes: this.#bytes, lingerMs: waitMs };
  }

  /** A write has succeeded. One that left half of the room unused says nothing about a larger one. */
  written({ records, bytes }: WriteSize, tookMs: number): void {
    this.#meanMs = this.#meanMs === 0 ? tookMs : this.#meanMs + WEIGHT * (tookMs - this.#meanMs);
    if (records < this.#records / 2 && bytes < this.#bytes / 2) return;
    this.#full += 1;
    if (this.#full < WRITES_PER_STEP) return;
    this.#full = 0;
    const { recordsMax, bytesMax } = this.#options;
    this.#records = Math.min(recordsMax, this.#records + Math.ceil(recordsMax / STEPS));
    this.#bytes = Math.min(bytesMax, this.#bytes + Math.ceil(bytesMax / STEPS));
  }

  /**
   * A write has failed as if it was too much: for the store's time, or for its bounds. Where it was one record, that was
   * not the reason: the store is away.
   */
  wasTooMuch({ records, bytes }: WriteSize): void {
    const { recordsMax, bytesMax } = this.#options;
    this.#full = 0;
    this.#records = records <= 1 ? recordsMax : halfOf(Math.min(this.#records, records));
    this.#bytes = records <= 1 ? bytesMax : halfOf(Math.min(this.#bytes, bytes));
  }
}

function halfOf(number: number): number {
  return Math.max(1, Math.floor(number / 2));
}
