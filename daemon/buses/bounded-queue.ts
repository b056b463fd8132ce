/**
 * What is on its way from a port to whoever reads it. Bounded: when the reader is slow the oldest gives way, is counted, and
 * memory stays where it is. A late position is worth less than a new one.
 */
export class BoundedQueue<Item> {
  readonly #sizeMax: number;
  readonly #sizeOf: (item: Item) => number;
  #items: Item[] = [];
  #size = 0;
  #end: { readonly error: Error | undefined } | undefined;
  #wake: (() => void) | undefined;
  #dropped = 0;

  /** @param sizeMax of all that may wait together, in the unit of `sizeOf`. The newest item stays, whatever its size. */
  constructor(sizeMax: number, sizeOf: (item: Item) => number) {
    this.#sizeMax = sizeMax;
    this.#sizeOf = sizeOf;
  }

  /** Size of what gave way so far. */
  get dropped(): number {
    return this.#dropped;
  }

  get ended(): boolean {
    return this.#end !== undefined;
  }

  push(item: Item): void {
    if (this.#end !== undefined) return;
    this.#items.push(item);
    this.#size += this.#sizeOf(item);
    while (this.#size > this.#sizeMax && this.#items.length > 1) this.#dropped += this.#shift().size;
    this.#wake?.();
  }

  /** Nothing comes any more; the first reason holds. What waits is still read before it. */
  end(error?: Error): void {
    this.#end ??= { error };
    this.#wake?.();
  }

  /** Items as they come. Throws what `end` was given once all are read; ends when the signal is aborted. One reader at a time. */
  async *read(signal: AbortSignal): AsyncGenerator<Item> {
    const onAbort = (): void => this.#wake?.();
    signal.addEventListener('abort', onAbort);
    try {
      while (!signal.aborted) {
        if (this.#items.length > 0) {
          yield this.#shift().item;
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

  #shift(): { readonly item: Item; readonly size: number } {
    const item = this.#items.shift() as Item;
    const size = this.#sizeOf(item);
    this.#size -= size;
    return { item, size };
  }
}
