import assert from 'node:assert/strict';
import type { Cron } from '../central/schedule/cron.ts';
import type { SteppedClock } from '../sim/clock.ts';

const DAY_MS = 86_400_000;

/** The daily times of a calendar on a clock that is stepped; as node-cron does, it waits for a wall time that it has chosen. */
export class SteppedCron implements Cron {
  readonly patterns: string[] = [];
  readonly #clock: SteppedClock;

  constructor(clock: SteppedClock) {
    this.#clock = clock;
  }

  schedule(pattern: string, action: () => void): () => void {
    this.patterns.push(pattern);
    const [, minute, hour] = /^(\d+) (\d+) \* \* \*$/.exec(pattern) ?? [];
    assert(minute !== undefined && hour !== undefined, 'a daily time');
    const atMs = (Number(hour) * 60 + Number(minute)) * 60_000;
    let cancel = (): void => undefined;
    const arm = (fromMs: number): void => {
      const nextMs = (Math.floor((fromMs - atMs) / DAY_MS) + 1) * DAY_MS + atMs;
      const wait = (): void => {
        const leftMs = nextMs - this.#clock.wallMs();
        if (leftMs > 0) {
          cancel = this.#clock.after(Math.min(leftMs, DAY_MS), wait);
          return;
        }
        action();
        arm(this.#clock.wallMs());
      };
      wait();
    };
    arm(this.#clock.wallMs());
    return () => cancel();
  }
}
