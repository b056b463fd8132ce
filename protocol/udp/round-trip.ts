const FIRST_RTO_MS = 1000;
const RTO_MS_MIN = 250;
/** No more often than this goes anything to somebody who does not answer. */
const RTO_MS_MAX = 10_000;
const BACKOFF_MAX = 6;

/** How long an answer takes, and how long to wait for one (RFC 6298 section 2, with a lower least time-out). */
export class RoundTrip {
  #smoothedMs: number | undefined;
  #deviationMs = 0;
  #backoff = 0;
  #timeouts = 0;

  /** Undefined before the first sample. */
  get smoothedMs(): number | undefined {
    return this.#smoothedMs;
  }

  get deviationMs(): number {
    return this.#deviationMs;
  }

  /** Time-out for an answer, doubled each time that none came, until the next sample (section 5.5). */
  get timeoutMs(): number {
    return Math.min(RTO_MS_MAX, this.longestMs * 2 ** this.#backoff);
  }

  /** Longer than nearly every trip, going by those that were measured. */
  get longestMs(): number {
    const longestMs = this.#smoothedMs === undefined ? FIRST_RTO_MS : this.#smoothedMs + 4 * this.#deviationMs;
    return Math.max(RTO_MS_MIN, longestMs);
  }

  /** Time-outs in a row that have passed without any answer. */
  get timeouts(): number {
    return this.#timeouts;
  }

  /** The time to the answer of something that was sent once (Karn's algorithm, section 3). */
  sample(measuredMs: number): void {
    // One that stood still, a process or a modem, says nothing about the way: nobody waits for longer than this anyhow.
    const tripMs = Math.min(measuredMs, RTO_MS_MAX);
    this.#backoff = 0;
    if (this.#smoothedMs === undefined) {
      this.#smoothedMs = tripMs;
      this.#deviationMs = tripMs / 2;
      return;
    }
    this.#deviationMs += (Math.abs(this.#smoothedMs - tripMs) - this.#deviationMs) / 4;
    this.#smoothedMs += (tripMs - this.#smoothedMs) / 8;
  }

  /** A time-out has passed without any answer. */
  backOff(): void {
    this.#backoff = Math.min(BACKOFF_MAX, this.#backoff + 1);
    this.#timeouts += 1;
  }

  /** Something was answered; where that was sent more than once, nobody knows how long it took. */
  answered(): void {
    this.#timeouts = 0;
  }

  /** Another process answers from now on. */
  restart(): void {
    this.#timeouts = 0;
    this.#backoff = 0;
  }
}
