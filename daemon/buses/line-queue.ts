/**
 * Lines on their way from a port to whoever reads them. Bounded: when the reader is slow the oldest lines give way, are
 * counted, and memory stays where it is. A late position is worth less than a new one.
 */
export class LineQueue {
  readonly #linesMax: number;
  #lines: string[] = [];
  #end: { readonly error: Error | undefined } | undefined;
  #wake: (() => void) | undefined;
  #dropped = 0;

  constructor(linesMax: number) {
    this.#linesMax = linesMax;
  }

  /** Lines that gave way so far. */
  get dropped(): number {
    return this.#dropped;
  }

  get ended(): boolean {
    return this.#end !== undefined;
  }

  push(line: string): void {
    if (this.#end !== undefined) return;
    this.#lines.push(line);
    if (this.#lines.length > this.#linesMax) {
      this.#lines.shift();
      this.#dropped += 1;
    }
    this.#wake?.();
  }

  /** Nothing comes any more; the first reason holds. Lines that wait are still read before it. */
  end(error?: Error): void {
    this.#end ??= { error };
    this.#wake?.();
  }

  /** Lines as they come. Throws what `end` was given once all are read; ends when the signal is aborted. One reader at a time. */
  async *read(signal: AbortSignal): AsyncGenerator<string> {
    const onAbort = (): void => this.#wake?.();
    signal.addEventListener('abort', onAbort);
    try {
      while (!signal.aborted) {
        const line = this.#lines.shift();
        if (line !== undefined) {
          yield line;
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
