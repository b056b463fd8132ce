import type { Clock } from '../../runtime/clock.ts';

/** A loop's alarm clock: waits until somebody has something for it, or until a time has come. */
export class Wakeup {
  readonly #clock: Clock;
  #isAwake = false;
  #resolve: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Ends the wait that is under way, or the next one at once. */
  wake(): void {
    this.#isAwake = true;
    this.#resolve?.();
  }

  /** Resolves at the next `wake`, at once where there was one since the last wait, or at `untilMs` (monotonic). */
  async wait(untilMs: number): Promise<void> {
    if (!this.#isAwake) {
      await new Promise<void>((resolve) => {
        const waitMs = untilMs - this.#clock.monotonicMs();
        const cancel = Number.isFinite(waitMs) ? this.#clock.after(waitMs, resolve) : undefined;
        this.#resolve = () => {
          cancel?.();
          resolve();
        };
      });
    }
    this.#resolve = undefined;
    this.#isAwake = false;
  }
}
