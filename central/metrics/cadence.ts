/** Intervals that are remembered: few, so that a changed cadence counts soon; a median, so that a gap does not. */
const INTERVALS = 9;
const INTERVAL_MS_MAX = 7 * 86_400_000;

/** How often something comes, learned from the times that it says. */
export class Cadence {
  readonly #intervalsMs: number[] = [];
  #lastMs: number | undefined;

  /** One more; those that come out of order, from a backlog, say nothing. */
  see(timestampMs: number): void {
    const lastMs = this.#lastMs;
    if (lastMs !== undefined && timestampMs <= lastMs) {
      // A clock that was set back begins anew with the next.
      if (lastMs - timestampMs > INTERVAL_MS_MAX) this.#lastMs = timestampMs;
      return;
    }
    this.#lastMs = timestampMs;
    if (lastMs === undefined || timestampMs - lastMs > INTERVAL_MS_MAX) return;
    this.#intervalsMs.push(timestampMs - lastMs);
    if (this.#intervalsMs.length > INTERVALS) this.#intervalsMs.shift();
  }

  /** The median of the last intervals, in milliseconds; undefined before the second. */
  get intervalMs(): number | undefined {
    if (this.#intervalsMs.length < 2) return undefined;
    return this.#intervalsMs.toSorted((a, b) => a - b)[this.#intervalsMs.length >>> 1];
  }
}
