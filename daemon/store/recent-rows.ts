import { LIVE_MS } from './store.ts';

/** When the rows of this run were appended, as far back as the live lane asks. */
export class RecentRows {
  #groups: { readonly firstRow: number; readonly atMs: number }[] = [];

  /** A group of rows from `firstRow` up was committed at `atMs` on the monotonic clock. */
  appended(firstRow: number, atMs: number): void {
    // Here too: while the link is down, nobody asks.
    this.#forgetOld(atMs);
    this.#groups.push({ firstRow, atMs });
  }

  /** The oldest row that is younger than `LIVE_MS`. */
  firstRow(nowMs: number): number | undefined {
    this.#forgetOld(nowMs);
    return this.#groups[0]?.firstRow;
  }

  #forgetOld(nowMs: number): void {
    const live = this.#groups.findIndex(({ atMs }) => nowMs - atMs < LIVE_MS);
    const old = live === -1 ? this.#groups.length : live;
    if (old > 0) this.#groups.splice(0, old);
  }
}
