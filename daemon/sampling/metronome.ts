import type { Clock } from '../../runtime/clock.ts';

export interface Tick {
  /** Counts from 0 at the start; skipped ticks count too. */
  readonly index: number;
  /** When it was due, on the monotonic clock. */
  readonly dueMs: number;
  /** Ticks just before this one that were due while the process stood still, and will never be run. */
  readonly skipped: number;
}

/**
 * Ticks at `first + k·every` on the monotonic clock: they never drift, as each is computed from the first, and never
 * bunch, as after a stall only the newest due tick is run. Wall-clock steps do not touch them.
 */
export class Metronome {
  readonly #clock: Clock;
  readonly #everyMs: number;
  readonly #onTick: (tick: Tick) => void;
  #firstMs = 0;
  #next = 0;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, everyMs: number, onTick: (tick: Tick) => void) {
    this.#clock = clock;
    this.#everyMs = everyMs;
    this.#onTick = onTick;
  }

  /** When the next tick is due, on the monotonic clock; undefined while it stands. */
  get nextDueMs(): number | undefined {
    return this.#cancel === undefined ? undefined : this.#dueMs(this.#next);
  }

  /** `firstMs` on the monotonic clock. */
  start(firstMs: number): void {
    this.#firstMs = firstMs;
    this.#next = 0;
    this.#arm();
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #dueMs(index: number): number {
    return this.#firstMs + index * this.#everyMs;
  }

  #arm(): void {
    // Timers have whole milliseconds: rounded up, a tick comes up to one late rather than early and then again.
    const waitMs = Math.ceil(this.#dueMs(this.#next) - this.#clock.monotonicMs());
    this.#cancel = this.#clock.after(waitMs, () => this.#wake());
  }

  #wake(): void {
    const nowMs = this.#clock.monotonicMs();
    const newest = Math.floor((nowMs - this.#firstMs) / this.#everyMs);
    if (newest < this.#next) {
      this.#arm();
      return;
    }
    const skipped = newest - this.#next;
    this.#next = newest + 1;
    this.#arm();
    this.#onTick({ index: newest, dueMs: this.#dueMs(newest), skipped });
  }
}

/**
 * When the first tick should be, on the monotonic clock: at a whole multiple of `everyMs` of wall time where that divides
 * a minute, else at a whole second, or minute where ticks are further apart. `offsetMs` is wall time minus monotonic time.
 */
export function alignedStartMs(nowMs: number, everyMs: number, offsetMs: number): number {
  const gridMs = gridOf(everyMs);
  return Math.ceil((nowMs + offsetMs) / gridMs) * gridMs - offsetMs;
}

function gridOf(everyMs: number): number {
  if (60_000 % everyMs === 0) return everyMs;
  if (everyMs > 60_000) return 60_000;
  return Math.min(everyMs, 1000);
}
