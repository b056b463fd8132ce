import type { Clock } from '../../../runtime/clock.ts';
import { MooringError } from '../../../runtime/errors.ts';
import type { Log } from '../../../runtime/log.ts';
import type { AdminSession } from './admin-session.ts';

export interface CommitWatchOptions {
  readonly admin: AdminSession;
  readonly topic: string;
  /** Every one of them has to have passed. */
  readonly groups: readonly string[];
  /** Resolves when everything is known that the sinks have refused by now. Rejects with `LOG_FAILED`. Left out: they refuse nothing. */
  readonly refusals?: (signal: AbortSignal) => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
  /** So many may wait; 20,000 when left out. */
  readonly waitingMax?: number;
}

/** Records of a partition: between two offsets, both included. */
export interface Stretch {
  readonly partition: number;
  readonly first: number;
  readonly last: number;
}

interface Waiting {
  readonly stretch: Stretch;
  readonly resolve: () => void;
  readonly reject: (error: MooringError) => void;
}

const WAITING_MAX = 20_000;
const POLL_MS = 250;
/** While nothing moves it is asked more and more seldom, up to this. */
const POLL_MS_MAX = 2000;
/** When a group that nobody ever was in is told of: a sink has said where it begins long before. */
const NEVER_MS = 60_000;
/** At most so much of the time goes into asking. */
const SHARE_OF_ASKING = 4;

/** Learns from the committed offsets of groups that they have read, and written, what stands before. Asks while somebody waits. */
export class CommitWatch {
  readonly #options: CommitWatchOptions;
  readonly #aborted = new AbortController();
  #waiting: Waiting[] = [];
  #polling: Promise<void> | undefined;
  /** What the groups read next, by partition, as far as they have said; and where the log began after that. */
  #next: readonly number[] = [];
  #firsts: readonly number[] = [];
  #isFailing = false;
  /** How long the last asking has waited for refusals to be read, in milliseconds: that asks nobody for anything. */
  #readingMs = 0;
  /** By group: when it was first seen to have committed nothing; infinite where it has, or that was told. */
  readonly #silent = new Map<string, number>();

  constructor(options: CommitWatchOptions) {
    this.#options = options;
  }

  /**
   * Resolves when every group has passed these records. Rejects with `LOG_EXPIRED` when the groups are behind them and the
   * log does not have them any more: then a sink may have gone on without them, as it can be told to. Rejects with
   * `LOG_FAILED` when too many wait already, or when this is closed.
   */
  passed(stretch: Stretch): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#isBehind(stretch) && this.#isWhole(stretch)) {
        resolve();
        return;
      }
      if (this.#aborted.signal.aborted || this.#waiting.length >= (this.#options.waitingMax ?? WAITING_MAX)) {
        reject(new MooringError('LOG_FAILED', 'nobody watches over these records: send them again'));
        return;
      }
      this.#waiting.push({ stretch, resolve, reject });
      this.#polling ??= this.#poll();
    });
  }

  /** Whoever waits is rejected. */
  async close(): Promise<void> {
    this.#aborted.abort();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { reject } of waiting) reject(new MooringError('LOG_FAILED', 'the log is closed'));
    await this.#polling;
  }

  async #poll(): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#aborted;
    let waitMs = POLL_MS;
    while (this.#waiting.length > 0) {
      try {
        await clock.sleep(waitMs, signal);
      } catch (error) {
        if (signal.aborted) break;
        throw error;
      }
      const startMs = clock.monotonicMs();
      const hasMoved = await this.#ask();
      const askingMs = clock.monotonicMs() - startMs - this.#readingMs;
      const leastMs = Math.max(POLL_MS, askingMs * SHARE_OF_ASKING);
      waitMs = hasMoved ? leastMs : Math.max(leastMs, Math.min(POLL_MS_MAX, waitMs * 1.25));
    }
    this.#polling = undefined;
  }

  /** Whether anybody has been answered. */
  async #ask(): Promise<boolean> {
    const { admin, groups, topic, log } = this.#options;
    this.#readingMs = 0;
    try {
      const committed = await admin.ask((asked) => Promise.all(groups.map((group) => asked.committed(group, topic))));
      // What a group has passed it has refused before, and said so before.
      await this.#readRefusals();
      // In this order: a group that has leapt over what was lost did so after it was lost.
      const spans = await admin.ask((asked) => asked.offsets(topic));
      if (this.#isFailing) log.info({}, 'Kafka says again how far the sinks are');
      this.#isFailing = false;
      for (const [index, group] of groups.entries()) this.#heard(group, committed[index] ?? []);
      this.#next = spans.map((_, partition) => Math.min(...committed.map((offsets) => offsets[partition] ?? 0)));
      this.#firsts = spans.map(({ first }) => first);
      return this.#settle();
    } catch (error) {
      if (!(error instanceof MooringError)) throw error;
      if (!this.#isFailing) log.warn({ err: error }, 'Kafka does not say how far the sinks are; asking again');
      this.#isFailing = true;
      return false;
    }
  }

  async #readRefusals(): Promise<void> {
    const { refusals, clock } = this.#options;
    const startMs = clock.monotonicMs();
    try {
      await refusals?.(this.#aborted.signal);
    } finally {
      this.#readingMs = clock.monotonicMs() - startMs;
    }
  }

  /** A sink that decides may run anywhere: nothing but this shows that there is none of its name. */
  #heard(group: string, committed: readonly (number | undefined)[]): void {
    const { clock, log } = this.#options;
    const nowMs = clock.monotonicMs();
    const sinceMs = this.#silent.get(group) ?? nowMs;
    this.#silent.set(group, sinceMs);
    if (committed.some((offset) => offset !== undefined)) this.#silent.set(group, Number.POSITIVE_INFINITY);
    else if (nowMs - sinceMs >= NEVER_MS) {
      log.warn({ group }, 'a sink that decides has never said how far it is: nothing is stored until it does');
      this.#silent.set(group, Number.POSITIVE_INFINITY);
    }
  }

  #settle(): boolean {
    const before = this.#waiting.length;
    this.#waiting = this.#waiting.filter(({ stretch, resolve, reject }) => {
      if (!this.#isBehind(stretch)) return true;
      if (this.#isWhole(stretch)) resolve();
      else reject(expired(stretch));
      return false;
    });
    return this.#waiting.length < before;
  }

  /** Whether the groups read on behind it. */
  #isBehind({ partition, last }: Stretch): boolean {
    return (this.#next[partition] ?? 0) > last;
  }

  /** Whether it was in the log for as long as the groups have read. */
  #isWhole({ partition, first }: Stretch): boolean {
    return (this.#firsts[partition] ?? Number.POSITIVE_INFINITY) <= first;
  }
}

function expired({ partition, first, last }: Stretch): MooringError {
  return new MooringError('LOG_EXPIRED', 'the log has dropped records that wait for a sink', {
    context: { partition, first, last },
    hint: 'Gateways that still have them send them again. Keep records for longer (`kafka.retention`).',
    retry: 'later',
  });
}
