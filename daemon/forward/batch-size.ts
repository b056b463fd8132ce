/** A batch that the transport hands on within this time was small enough to be twice as large. */
const QUICK_MS = 500;
/** One that takes longer than this would keep an alarm waiting behind it: half as large. */
const SLOW_MS = 2000;
/** The bound is on rows as the store holds them; encoded together they take up to so many times less. */
const COMPACTION = 16;
const FIRST_BYTES = 8192;
const LEAST_BYTES = 1024;

/**
 * How large a batch may be that is not urgent, so that an alarm that has to go behind it on a slow link does not wait for
 * long: grows and shrinks with the time that the transport takes to hand one on. Bytes are those of stored rows.
 */
export class BatchSize {
  readonly #most: number;
  #bytes: number;

  constructor(bytesMax: number) {
    this.#most = bytesMax;
    this.#bytes = Math.min(bytesMax, FIRST_BYTES);
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** A batch was handed on. One much smaller than allowed says nothing about a larger one. */
  handedOn(encodedBytes: number, durationMs: number): void {
    if (durationMs > SLOW_MS) this.#bytes = Math.max(Math.min(LEAST_BYTES, this.#most), this.#bytes / 2);
    else if (durationMs <= QUICK_MS && encodedBytes >= this.#bytes / COMPACTION) {
      this.#bytes = Math.min(this.#most, this.#bytes * 2);
    }
  }

  /** A batch was lost: start small. */
  lost(): void {
    this.#bytes = Math.min(this.#bytes, FIRST_BYTES, this.#most);
  }
}
