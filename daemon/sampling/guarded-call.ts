import assert from 'node:assert/strict';
import type { Clock } from '../../runtime/clock.ts';
import { MooringError } from '../../runtime/errors.ts';

/**
 * One call at a time to something that may never come back. The caller is answered in time; what it left behind is
 * remembered until it returns.
 */
export class GuardedCall {
  readonly #clock: Clock;
  readonly #stopping: AbortSignal;
  #out: Promise<void> | undefined;
  #abort: ((reason: Error) => void) | undefined;
  #isOverdue = false;

  /** When `stopping` is aborted, so is the call that is under way. */
  constructor(clock: Clock, stopping: AbortSignal) {
    this.#clock = clock;
    this.#stopping = stopping;
    stopping.addEventListener('abort', () => this.#abort?.(stopping.reason as Error), { once: true });
  }

  /** Whether a call has not come back yet. */
  get isOut(): boolean {
    return this.#out !== undefined;
  }

  /** Whether that call's caller has been answered already. */
  get isOverdue(): boolean {
    return this.#isOverdue;
  }

  /** Resolves when no call is out. */
  async returned(): Promise<void> {
    while (this.#out !== undefined) await this.#out;
  }

  /**
   * Runs `work`, whose signal is aborted and whose caller gets the error `DEADLINE` when `limitMs` have passed (undefined:
   * no limit), or the reason of `stopping` when that comes first.
   */
  async run<T>(what: string, limitMs: number | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (this.#stopping.aborted) throw this.#stopping.reason;
    return await this.runLast(what, limitMs, work);
  }

  /** The same, and also after `stopping`: for the call that lets go. */
  async runLast<T>(what: string, limitMs: number | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    assert(this.#out === undefined, 'one call at a time');
    const controller = new AbortController();
    return await new Promise<T>((resolve, reject) => {
      const giveUp = (reason: Error): void => {
        cancel?.();
        this.#isOverdue = true;
        controller.abort(reason);
        reject(reason);
      };
      const cancel =
        limitMs === undefined ? undefined : this.#clock.after(limitMs, () => giveUp(deadlinePassed(what, limitMs)));
      this.#abort = giveUp;
      const back = (): void => {
        cancel?.();
        this.#out = undefined;
        this.#isOverdue = false;
        this.#abort = undefined;
      };
      // What comes after the caller was answered, an error included, changes nothing: the answer was the error.
      this.#out = (async () => await work(controller.signal))().then(
        (value) => {
          back();
          resolve(value);
        },
        (error: unknown) => {
          back();
          reject(error as Error);
        },
      );
    });
  }
}

/** The error of a call that took longer than it may. */
export function deadlinePassed(what: string, limitMs: number): MooringError {
  return new MooringError('DEADLINE', 'the sensor did not answer in time', { context: { what, limitMs } });
}
