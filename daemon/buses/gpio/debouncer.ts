import type { GpioEdge } from '../../../drivers/driver.ts';

/**
 * Contacts bounce when they close and when they open. The first edge counts, at its own time; for `debounceMs` nothing else
 * does; and where the line then is not where that edge has left it, the change that was missed counts too. So edges that are
 * told alternate with the line, and the last one says how it is. Feed it both edges; it knows no clock.
 */
export class Debouncer {
  readonly #debounceMs: number;
  #told: GpioEdge['level'] | undefined;
  #last: GpioEdge | undefined;
  #deafUntilMs = Number.NEGATIVE_INFINITY;

  constructor(debounceMs: number) {
    this.#debounceMs = debounceMs;
  }

  /** When `settle` has something to say if no edge comes before. */
  get dueMs(): number | undefined {
    return this.#isOff() ? this.#deafUntilMs : undefined;
  }

  /** What counts now that this edge has come. */
  take(edge: GpioEdge): GpioEdge[] {
    const settled = this.settle(edge.atMs);
    this.#last = edge;
    if (edge.atMs < this.#deafUntilMs) return settled;
    return [...settled, this.#tell(edge, edge.atMs)];
  }

  /** The change that was missed, once nothing bounces any more. */
  settle(nowMs: number): GpioEdge[] {
    const last = this.#last;
    if (last === undefined || !this.#isOff() || nowMs < this.#deafUntilMs) return [];
    return [this.#tell(last, this.#deafUntilMs)];
  }

  #tell(edge: GpioEdge, fromMs: number): GpioEdge {
    this.#told = edge.level;
    this.#deafUntilMs = fromMs + this.#debounceMs;
    return edge;
  }

  #isOff(): boolean {
    return this.#last !== undefined && this.#last.level !== this.#told;
  }
}
