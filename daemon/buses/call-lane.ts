import type { Clock } from '../../runtime/clock.ts';
import { Turns } from './turns.ts';

export interface CallLaneOptions<What> {
  readonly clock: Clock;
  /** How long a call may take, in milliseconds. */
  readonly limitMs: number;
  /** For the caller of a call that takes longer. */
  deadlineError(what: What): Error;
  /** For all others while it has not come back. */
  stuckError(what: What): Error;
  onStuck(what: What): void;
  onFree(what: What, stuckMs: number): void;
}

/**
 * Calls that may never come back, one at a time in the order in which they came. One that outlives its time cannot be
 * stopped, so the lane is *stuck* until it has come back: all others are told at once, and nothing is called meanwhile.
 */
export class CallLane<What> {
  readonly #options: CallLaneOptions<What>;
  readonly #turns = new Turns();
  #stuckSinceMs: number | undefined;

  constructor(options: CallLaneOptions<What>) {
    this.#options = options;
  }

  get isStuck(): boolean {
    return this.#stuckSinceMs !== undefined;
  }

  /** Calls that are out or wait. */
  get length(): number {
    return this.#turns.length + (this.#turns.isTaken ? 1 : 0);
  }

  /** Throws what `work` throws, the errors of the options, or the reason of `signal`, which ends the waiting and not the call. */
  async run<T>(what: What, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    if (this.isStuck) throw this.#options.stuckError(what);
    await this.#turns.take(signal);
    if (signal.aborted) {
      this.#turns.pass();
      throw signal.reason;
    }
    return await new Promise<T>((resolve, reject) => {
      const onAbort = (): void => reject(signal.reason as Error);
      signal.addEventListener('abort', onAbort, { once: true });
      const cancel = this.#options.clock.after(this.#options.limitMs, () => {
        this.#becomeStuck(what);
        reject(this.#options.deadlineError(what));
      });
      const back = (): void => {
        cancel();
        signal.removeEventListener('abort', onAbort);
        this.#becomeFree(what);
        this.#turns.pass();
      };
      // Before its caller goes on, so that what the caller does next finds the lane as it is.
      work().finally(back).then(resolve, reject);
    });
  }

  #becomeStuck(what: What): void {
    this.#stuckSinceMs = this.#options.clock.monotonicMs();
    this.#options.onStuck(what);
    this.#turns.turnAway(() => this.#options.stuckError(what));
  }

  #becomeFree(what: What): void {
    if (this.#stuckSinceMs === undefined) return;
    const stuckMs = Math.round(this.#options.clock.monotonicMs() - this.#stuckSinceMs);
    this.#stuckSinceMs = undefined;
    this.#options.onFree(what, stuckMs);
  }
}
