import type { Lane } from '../store/store.ts';

/** A batch that the transport hands on within this time was small enough to be twice as large. */
const QUICK_MS = 500;
/** One that takes longer than this would keep an alarm waiting behind it: half as large. */
const SLOW_MS = 2000;
const FIRST = 128;
const LEAST = 16;
/** A batch that cannot be larger than this keeps nobody waiting. */
const SMALL_BYTES = 2048;
/** What every batch has, however many records: the preamble, and the names of a station and its metrics. */
const FIXED_BYTES = 64;
/** Of a record, before one was seen: many, so that the first batch is rather too small. */
const FIRST_RECORD_BYTES = 64;
/** How full a batch is meant to be: records differ, and one that does not fit costs a second, half empty batch. */
const FILLING = 0.97;
/** How fast the measure follows records that have become smaller; it follows larger ones at once. */
const RELIEF = 1 / 4;

/**
 * How many records a batch may hold: as many as fit into what the transport takes, going by how large those before them
 * were in their batches. Those that are not urgent also no more than keep an alarm that has to go behind them waiting for
 * long on a slow link: that bound grows and shrinks with the time that the transport takes to hand a batch on.
 */
export class BatchSize {
  readonly #recordsMax: number;
  readonly #bytesMax: number;
  readonly #isAlwaysSmall: boolean;
  /** Bytes of a record in a batch of many, as encoded; undefined before the first. */
  readonly #recordBytes: Partial<Record<Lane, number>> = {};
  #quickRecords: number;

  constructor({ recordsMax, bytesMax }: { readonly recordsMax: number; readonly bytesMax: number }) {
    this.#recordsMax = recordsMax;
    this.#bytesMax = bytesMax;
    this.#isAlwaysSmall = bytesMax <= SMALL_BYTES;
    this.#quickRecords = this.#isAlwaysSmall ? recordsMax : Math.min(recordsMax, FIRST);
  }

  recordsOf(lane: Lane): number {
    return Math.min(this.#fitting(lane), lane === 'urgent' ? this.#recordsMax : this.#quickRecords);
  }

  /** Records were encoded together, as so many bytes; whether that could be sent or not. */
  encoded(lane: Lane, records: number, bytes: number): void {
    const each = Math.max(1, (bytes - FIXED_BYTES) / records);
    const before = this.#recordBytes[lane];
    if (before === undefined) this.#recordBytes[lane] = each;
    else if (each < before) this.#recordBytes[lane] = before + (each - before) * RELIEF;
    // A batch of few says nothing against: names and first values weigh more in it.
    else if (bytes > this.#bytesMax || records >= this.#fitting(lane) / 2) this.#recordBytes[lane] = each;
  }

  /** A batch was handed on. A quick one says nothing about one that is much larger. */
  handedOn(records: number, durationMs: number): void {
    if (this.#isAlwaysSmall) return;
    if (durationMs > SLOW_MS) this.#quickRecords = Math.max(LEAST, Math.floor(this.#quickRecords / 2));
    else if (durationMs <= QUICK_MS && records >= this.#quickRecords / 2) {
      this.#quickRecords = Math.min(this.#recordsMax, this.#quickRecords * 2);
    }
  }

  /** A batch was lost: start small. */
  lost(): void {
    if (!this.#isAlwaysSmall) this.#quickRecords = Math.min(this.#quickRecords, FIRST);
  }

  #fitting(lane: Lane): number {
    const recordBytes = this.#recordBytes[lane] ?? FIRST_RECORD_BYTES;
    const count = Math.floor((this.#bytesMax * FILLING - FIXED_BYTES) / recordBytes);
    return Math.max(1, Math.min(this.#recordsMax, count));
  }
}
