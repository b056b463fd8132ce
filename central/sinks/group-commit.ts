import assert from 'node:assert/strict';
import type { Clock } from '../../runtime/clock.ts';

export interface GroupCommitOptions<T> {
  readonly clock: Clock;
  /** How long the first item after an idle time waits for others, in milliseconds. */
  readonly gatherMs: number;
  /** Least time from the start of one commit to the start of the next, in milliseconds. */
  readonly intervalMs: number;
  /**
   * Begins a commit: what it returns is asked of each item that waits, the oldest first, and says whether it goes along;
   * one of them has to. What does not waits for the next commit. Everything goes along when left out.
   */
  readonly select?: () => (item: T) => boolean;
  /** Makes items durable, all or none. Never called while an earlier call runs. */
  readonly commit: (items: readonly T[]) => Promise<void>;
}

interface Waiting<T> {
  readonly item: T;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Lets everything that arrives in the meantime share the next commit, and bounds how often there is one. */
export class GroupCommit<T> {
  readonly #options: GroupCommitOptions<T>;
  #waiting: Waiting<T>[] = [];
  #running: Promise<void> | undefined;
  #cancelTimer: (() => void) | undefined;
  #lastStartMs = Number.NEGATIVE_INFINITY;
  #isHurried = false;
  #isClosed = false;

  constructor(options: GroupCommitOptions<T>) {
    this.#options = options;
  }

  /** Resolves when the item was committed, rejects with the commit's error when it was not. */
  add(item: T): Promise<void> {
    assert(!this.#isClosed, 'nothing is added after close');
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      this.#schedule();
    });
  }

  /** From now on no commit waits: somebody is closing. */
  hurry(): void {
    this.#isHurried = true;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#schedule();
  }

  /** Commits what waits, at once. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.hurry();
    while (this.#running !== undefined) await this.#running;
  }

  #schedule(): void {
    if (this.#waiting.length === 0 || this.#running !== undefined || this.#cancelTimer !== undefined) return;
    if (this.#isHurried) {
      this.#start();
      return;
    }
    const { clock, gatherMs, intervalMs } = this.#options;
    const waitMs = Math.max(gatherMs, this.#lastStartMs + intervalMs - clock.monotonicMs());
    this.#cancelTimer = clock.after(waitMs, () => {
      this.#cancelTimer = undefined;
      this.#start();
    });
  }

  #start(): void {
    const isTaken = this.#options.select?.() ?? (() => true);
    const { group = [], rest = [] } = Object.groupBy(this.#waiting, ({ item }) => (isTaken(item) ? 'group' : 'rest'));
    assert(group.length > 0, 'a commit takes something along');
    this.#waiting = rest;
    this.#lastStartMs = this.#options.clock.monotonicMs();
    this.#running = this.#run(group);
  }

  async #run(group: readonly Waiting<T>[]): Promise<void> {
    try {
      await this.#options.commit(group.map(({ item }) => item));
      for (const { resolve } of group) resolve();
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
    this.#running = undefined;
    this.#schedule();
  }
}
