import type { Clock } from '../../../runtime/clock.ts';
import { MooringError } from '../../../runtime/errors.ts';
import type { Log } from '../../../runtime/log.ts';

export interface OffsetCommitsOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Rejects with a `MooringError`. */
  readonly commit: (offsets: ReadonlyMap<number, number>) => Promise<void>;
}

/** Least time between two commits, in milliseconds. */
const INTERVAL_MS = 1000;

/**
 * Tells the group how far its sink is: for whoever looks at the lag, for an ingest that waits for the sink, and for a sink
 * that keeps no positions. One that fails goes along with the next.
 */
export class OffsetCommits {
  readonly #options: OffsetCommitsOptions;
  #pending = new Map<number, number>();
  #committing = new Map<number, number>();
  #running: Promise<void> | undefined;
  #cancelTimer: (() => void) | undefined;
  #lastStartMs = Number.NEGATIVE_INFINITY;
  #isFailing = false;
  #isClosed = false;

  constructor(options: OffsetCommitsOptions) {
    this.#options = options;
  }

  /** Everything before these offsets is durable in the sink. */
  add(offsets: ReadonlyMap<number, number>): void {
    for (const [partition, offset] of offsets) this.#pending.set(partition, offset);
    this.#schedule();
  }

  /** A partition is somebody else's now. */
  forget(partition: number): void {
    this.#pending.delete(partition);
    this.#committing.delete(partition);
  }

  /** Ends; commits what waits, at once, where somebody is there to take it. */
  async close(isReachable: boolean): Promise<void> {
    this.#isClosed = true;
    this.#cancelTimer?.();
    await this.#running;
    if (isReachable && this.#pending.size > 0) await this.#commit();
  }

  #schedule(): void {
    const isUnderWay = this.#running !== undefined || this.#cancelTimer !== undefined;
    if (this.#pending.size === 0 || isUnderWay || this.#isClosed) return;
    const { clock } = this.#options;
    this.#cancelTimer = clock.after(this.#lastStartMs + INTERVAL_MS - clock.monotonicMs(), () => {
      this.#cancelTimer = undefined;
      this.#lastStartMs = clock.monotonicMs();
      this.#running = this.#commit().finally(() => {
        this.#running = undefined;
        this.#schedule();
      });
    });
  }

  async #commit(): Promise<void> {
    const { commit, log } = this.#options;
    this.#committing = this.#pending;
    this.#pending = new Map();
    try {
      await commit(new Map(this.#committing));
      if (this.#isFailing) log.info({}, 'the offsets of the group are committed again');
      this.#isFailing = false;
    } catch (error) {
      if (!(error instanceof MooringError)) throw error;
      this.#pending = new Map([...this.#committing, ...this.#pending]);
      if (!this.#isFailing) log.info({ err: error }, 'the offsets of the group are not committed; trying again');
      this.#isFailing = true;
    }
  }
}
