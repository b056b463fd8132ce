interface Point {
  readonly value: number;
  readonly atMs: number;
}

/**
 * The lowest (or highest) value of the last `withinMs`, exactly. Keeps only values that may still become it (D. Lemire,
 * "Streaming maximum-minimum filter", 2006): never more than there are steps of the sensor between lowest and highest.
 */
export class SlidingExtreme {
  readonly #withinMs: number;
  readonly #isBeyond: (a: number, b: number) => boolean;
  #points: Point[] = [];
  #first = 0;

  constructor(kind: 'lowest' | 'highest', withinMs: number) {
    this.#withinMs = withinMs;
    this.#isBeyond = kind === 'lowest' ? (a, b) => a < b : (a, b) => a > b;
  }

  /** Takes a value, and gives the extreme of those since `atMs - withinMs`, this one and that moment included. */
  push(value: number, atMs: number): number {
    while (this.#points.length > this.#first && !this.#isBeyond((this.#points.at(-1) as Point).value, value)) {
      this.#points.pop();
    }
    this.#points.push({ value, atMs });
    while ((this.#points[this.#first] as Point).atMs + this.#withinMs < atMs) this.#first += 1;
    this.#forget();
    return (this.#points[this.#first] as Point).value;
  }

  /** Values that are kept. */
  get size(): number {
    return this.#points.length - this.#first;
  }

  /** Those that are out of the window go in bulk: to shift each would cost a walk over all. */
  #forget(): void {
    if (this.#first < 64 || this.#first * 2 < this.#points.length) return;
    this.#points = this.#points.slice(this.#first);
    this.#first = 0;
  }
}
