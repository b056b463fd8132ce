import type { Clock } from '../../runtime/clock.ts';

/** Resolves when the work has ended or the time is over, whichever is first; the work goes on. Rejects when it fails. */
export async function atMost(clock: Clock, durationMs: number, work: Promise<unknown>): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const cancel = clock.after(durationMs, resolve);
    work.then(() => resolve(), reject).finally(cancel);
  });
}
