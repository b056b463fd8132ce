/** How many counters below the newest one can still be told apart. */
export const REPLAY_WINDOW = 1024;

/** Which counters of one sender have been seen (RFC 4303 section 3.4.3, with a longer window). */
export class ReplayWindow {
  /** A bit for each of the newest counters, by counter mod 1,024. */
  readonly #seen = new Uint32Array(REPLAY_WINDOW / 32);
  readonly #first: number;
  #newest: number;

  /** `first` is the counter that opened the window, and counts as seen: nothing before it is ever taken. */
  constructor(first: number) {
    this.#first = first;
    this.#newest = first;
    this.#mark(first);
  }

  /** The highest counter that was seen. */
  get newest(): number {
    return this.#newest;
  }

  /** Neither seen nor too old to tell. Changes nothing: what is not authentic yet must not move the window. */
  isNew(counter: number): boolean {
    if (counter > this.#newest) return true;
    if (counter <= this.#first || counter <= this.#newest - REPLAY_WINDOW) return false;
    return ((this.#seen[(counter % REPLAY_WINDOW) >>> 5] as number) & (1 << (counter % 32))) === 0;
  }

  /** The datagram with this counter, which is new, was authentic. */
  see(counter: number): void {
    if (counter > this.#newest) {
      const skipped = Math.min(counter - this.#newest - 1, REPLAY_WINDOW);
      for (let back = 1; back <= skipped; back += 1) this.#clear(counter - back);
      this.#newest = counter;
    }
    this.#mark(counter);
  }

  #mark(counter: number): void {
    const word = (counter % REPLAY_WINDOW) >>> 5;
    this.#seen[word] = (this.#seen[word] as number) | (1 << (counter % 32));
  }

  #clear(counter: number): void {
    const word = ((counter + REPLAY_WINDOW) % REPLAY_WINDOW) >>> 5;
    this.#seen[word] = (this.#seen[word] as number) & ~(1 << ((counter + REPLAY_WINDOW) % 32));
  }
}
