interface Heard {
  readonly offsetMs: number;
  readonly atMs: number;
}

/** A time heard longer ago than this says nothing any more. */
const FRESH_MS = 10 * 60_000;
/** Two times agree when they differ by no more: sentences come late, by up to a second on a slow line. */
const AGREE_MS = 1000;

/**
 * What a receiver's dated times say of the monotonic clock's offset. A time is believed when two in a row agree. Each
 * arrives late by the length of its sentence and the wait for its turn, never early, so the largest offset of the last
 * ten minutes is nearest to the truth.
 */
export class GpsTime {
  #candidate: Heard | undefined;
  /** Offsets falling, times rising: the head is the largest of the window. */
  #window: Heard[] = [];

  /** `utcMs` was heard at `atMs` on the monotonic clock. */
  heard(utcMs: number, atMs: number): void {
    const heard = { offsetMs: utcMs - atMs, atMs };
    const agrees = (other: Heard | undefined): boolean =>
      other !== undefined && Math.abs(other.offsetMs - heard.offsetMs) <= AGREE_MS;
    this.#expire(atMs);
    if (!agrees(this.#window[0])) {
      const isConfirmed = agrees(this.#candidate);
      this.#candidate = heard;
      if (!isConfirmed) return;
      this.#window = [];
    }
    this.#candidate = undefined;
    while ((this.#window.at(-1)?.offsetMs ?? Infinity) <= heard.offsetMs) this.#window.pop();
    this.#window.push(heard);
  }

  /** UTC minus monotonic time in milliseconds; undefined where no fresh time is believed. */
  offsetMs(nowMs: number): number | undefined {
    this.#expire(nowMs);
    return this.#window[0]?.offsetMs;
  }

  #expire(nowMs: number): void {
    while (this.#window[0] !== undefined && nowMs - this.#window[0].atMs > FRESH_MS) this.#window.shift();
  }
}
