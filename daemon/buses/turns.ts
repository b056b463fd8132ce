interface Waiting {
  readonly signal: AbortSignal;
  readonly onAbort: () => void;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** A line in which one is served at a time, in the order in which they came. Who gives up leaves it at once. */
export class Turns {
  readonly #waiting: Waiting[] = [];
  #isTaken = false;

  get isTaken(): boolean {
    return this.#isTaken;
  }

  /** How many wait. */
  get length(): number {
    return this.#waiting.length;
  }

  /** Resolves when it is the caller's turn, which it then has to `pass`. Rejects with the reason of `signal`, or of `turnAway`. */
  take(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason as Error);
      } else if (!this.#isTaken) {
        this.#isTaken = true;
        resolve();
      } else {
        const waiting: Waiting = { signal, resolve, reject, onAbort: () => this.#leave(waiting) };
        signal.addEventListener('abort', waiting.onAbort, { once: true });
        this.#waiting.push(waiting);
      }
    });
  }

  /** Ends the turn that was taken; the next one has it. */
  pass(): void {
    const next = this.#waiting.shift();
    if (next === undefined) {
      this.#isTaken = false;
      return;
    }
    next.signal.removeEventListener('abort', next.onAbort);
    next.resolve();
  }

  /** Rejects all who wait. Who has the turn keeps it. */
  turnAway(errorOf: () => Error): void {
    for (const { signal, onAbort, reject } of this.#waiting.splice(0)) {
      signal.removeEventListener('abort', onAbort);
      reject(errorOf());
    }
  }

  #leave(waiting: Waiting): void {
    this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
    waiting.reject(waiting.signal.reason as Error);
  }
}
