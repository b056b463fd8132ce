import type { Clock } from '../../runtime/clock.ts';
import type { Log } from '../../runtime/log.ts';

/** Between two lines about refusals, in milliseconds: whoever is refused usually comes back at once. */
const EVERY_MS = 60_000;

/** Counts what was refused, and tells of it without letting anybody fill the log. */
export class Refusals {
  readonly #clock: Clock;
  readonly #log: Log;
  #count = 0;
  #saidCount = 0;
  #saidMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  get count(): number {
    return this.#count;
  }

  add(reason: string, context: Readonly<Record<string, unknown>>): void {
    this.#count += 1;
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#saidMs < EVERY_MS) return;
    this.#log.warn({ ...context, reason, refused: this.#count - this.#saidCount }, 'the embedded broker refuses');
    this.#saidMs = nowMs;
    this.#saidCount = this.#count;
  }
}
