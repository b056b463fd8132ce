/** A batch that the transport hands on within this time was small enough to be twice as large. */
const QUICK_MS = 500;
/** One that takes longer than this would keep an alarm waiting behind it: half as large. */
const SLOW_MS = 2000;
const FIRST = 128;
const LEAST = 16;

/**
 * How many records a batch may hold that is not urgent, so that an alarm that has to go behind it on a slow link does not
 * wait for long: grows and shrinks with the time that the transport takes to hand one on.
 */
export class BatchSize {
  readonly #most: number;
  #records: number;

  constructor(recordsMax: number) {
    this.#most = recordsMax;
    this.#records = Math.min(recordsMax, FIRST);
  }

  get records(): number {
    return this.#records;
  }

  /** A batch was handed on. A quick one says nothing about one that is much larger. */
  handedOn(records: number, durationMs: number): void {
    if (durationMs > SLOW_MS) this.#records = Math.max(LEAST, Math.floor(this.#records / 2));
    else if (durationMs <= QUICK_MS && records >= this.#records / 2) {
      this.#records = Math.min(this.#most, this.#records * 2);
    }
  }

  /** A batch was lost: start small. */
  lost(): void {
    this.#records = Math.min(this.#records, FIRST);
  }
}
