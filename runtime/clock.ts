import { setTimeout as sleepOnTimer } from 'node:timers/promises';

/** Time, handed in. Wall time only labels; everything that waits or measures runs on the monotonic clock. */
export interface Clock {
  /** UTC milliseconds since 1970; may jump, forwards or back. */
  wallMs(): number;
  /** Milliseconds since an arbitrary origin, with a fraction; never goes back. */
  monotonicMs(): number;
  /** Resolves after `durationMs` of monotonic time. Rejects with the signal's reason when it is aborted first. */
  sleep(durationMs: number, signal?: AbortSignal): Promise<void>;
  /** Calls `action` once after `durationMs` of monotonic time. Returns what cancels it. */
  after(durationMs: number, action: () => void): () => void;
}

/** The longest delay a Node timer takes, in milliseconds. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  async sleep(durationMs, signal) {
    await sleepOnTimer(timerMs(durationMs), undefined, signal === undefined ? {} : { signal });
  },
  after(durationMs, action) {
    const timer = setTimeout(action, timerMs(durationMs));
    return () => clearTimeout(timer);
  },
};

/** Rejects with `onTimeout()` when `work` has not settled after `durationMs`. The work itself is not stopped. */
export async function withDeadline<T>(
  clock: Clock,
  durationMs: number,
  work: Promise<T>,
  onTimeout: () => Error,
): Promise<T> {
  return await new Promise<T>((resolve, reject) => {
    const cancel = clock.after(durationMs, () => reject(onTimeout()));
    work.then(
      (value) => {
        cancel();
        resolve(value);
      },
      (error: unknown) => {
        cancel();
        reject(error as Error);
      },
    );
  });
}

function timerMs(durationMs: number): number {
  return Math.min(TIMER_MS_MAX, Math.max(0, durationMs));
}
