import type { GpioEdge } from '../../../drivers/driver.ts';

/** Edges that may wait for a slow reader: a minute of an anemometer in a gale. */
const EDGES_MAX = 8192;

/** Edges on their way from a line to whoever counts them. Bounded: beyond it the newest are dropped, and counted. */
export class EdgeQueue {
  #edges: GpioEdge[] = [];
  #end: { readonly error: Error | undefined } | undefined;
  #wake: (() => void) | undefined;
  #dropped = 0;

  /** Edges that had no room. */
  get dropped(): number {
    return this.#dropped;
  }

  push(edges: readonly GpioEdge[]): void {
    if (this.#end !== undefined || edges.length === 0) return;
    const taken = edges.slice(0, EDGES_MAX - this.#edges.length);
    this.#edges.push(...taken);
    this.#dropped += edges.length - taken.length;
    this.#wake?.();
  }

  /** Nothing comes any more; the first reason holds. Edges that wait are still read before it. */
  end(error?: Error): void {
    this.#end ??= { error };
    this.#wake?.();
  }

  /** Edges as they come. Throws what `end` was given once all are read; ends when the signal is aborted. One reader at a time. */
  async *read(signal: AbortSignal): AsyncGenerator<GpioEdge> {
    const onAbort = (): void => this.#wake?.();
    signal.addEventListener('abort', onAbort);
    try {
      while (!signal.aborted) {
        const edges = this.#edges;
        this.#edges = [];
        if (edges.length > 0) {
          yield* edges;
        } else if (this.#end === undefined) {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        } else {
          if (this.#end.error !== undefined) throw this.#end.error;
          return;
        }
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }
}
