import type { Clock } from '../../runtime/clock.ts';

/** A sink that comes back frees thousands of runs at once; a dropped ack costs its gateway the rest of ten minutes. */
const ACKS_PER_PACE = 200;
const PACE_MS = 100;

/** Lets acks go at a pace that a broker takes, in order. */
export class AckPace {
  readonly #clock: Clock;
  #waiting: (() => void)[] = [];
  #said = 0;
  #cancel = (): void => undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `send`, at once or in its turn. */
  say(send: () => void): void {
    this.#waiting.push(send);
    this.#pump();
  }

  /** Sends all that waits. */
  close(): void {
    this.#cancel();
    for (const send of this.#waiting.splice(0)) send();
  }

  #pump(): void {
    while (this.#said < ACKS_PER_PACE) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      if (this.#said === 0) this.#cancel = this.#clock.after(PACE_MS, () => this.#next());
      this.#said += 1;
      next();
    }
  }

  #next(): void {
    this.#said = 0;
    this.#pump();
  }
}
