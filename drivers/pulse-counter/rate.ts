/**
 * The rate of pulses, from the times between them rather than from their number: at two pulses a second a sample a second
 * would otherwise know the rate to within a half.
 */
export class PulseRate {
  readonly #calmMs: number;
  /** The last pulse of an earlier sample, the last of all, and how many came from the one to the other. */
  #baseMs: number | undefined;
  #lastMs: number;
  #count = 0;
  /** Undefined until two pulses, or a calm, have told it. */
  #hz: number | undefined;

  /**
   * @param calmMs after so long without a pulse the rate is 0
   * @param sinceMs when it began to listen, on the monotonic clock
   */
  constructor(calmMs: number, sinceMs: number) {
    this.#calmMs = calmMs;
    this.#lastMs = sinceMs;
  }

  /** A pulse came, at `atMs` on the monotonic clock. */
  add(atMs: number): void {
    // After a calm it says nothing yet of how fast it turns now.
    if (atMs - this.#lastMs >= this.#calmMs) {
      this.#hz = 0;
      this.#baseMs = atMs;
      this.#count = 0;
    } else if (this.#baseMs === undefined) {
      this.#baseMs = atMs;
    } else {
      this.#count += 1;
    }
    this.#lastMs = atMs;
  }

  /**
   * Pulses a second since the last call; where none came, what it was then, or less if that would have brought one.
   * Undefined: it has not listened for long enough.
   */
  take(nowMs: number): number | undefined {
    if (nowMs - this.#lastMs >= this.#calmMs) {
      this.#hz = 0;
      return 0;
    }
    if (this.#baseMs === undefined) return undefined;
    const spanMs = this.#lastMs - this.#baseMs;
    if (this.#count > 0 && spanMs > 0) this.#hz = (1000 * this.#count) / spanMs;
    // One more would have come by now.
    else if (this.#hz !== undefined && nowMs > this.#lastMs) {
      this.#hz = Math.min(this.#hz, 1000 / (nowMs - this.#lastMs));
    }
    this.#baseMs = this.#lastMs;
    this.#count = 0;
    return this.#hz;
  }
}
