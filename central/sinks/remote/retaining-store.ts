import type { Clock } from '../../../runtime/clock.ts';
import type { Log } from '../../../runtime/log.ts';
import type { DailyJobs } from '../../schedule/daily-job.ts';
import type { RefusedRecord, RemoteStore, StoreRecord } from './remote-store.ts';

/** A store that can drop what is old in large parts. */
export interface DroppingStore extends RemoteStore {
  /**
   * Drops the parts whose every event was before `dayMs`, UTC milliseconds; their names, each also as it is gone. One that
   * another process has dropped meanwhile is none of them. Throws `SINK_FAILED`.
   */
  dropBefore(dayMs: number, onDropped?: (part: string) => void): Promise<readonly string[]>;
}

export interface RetainingStoreOptions {
  /** Owned: opened and closed here. */
  readonly store: DroppingStore;
  /** How long an event is kept, in milliseconds. */
  readonly retentionMs: number;
  readonly jobs: DailyJobs;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * A store that drops what is older than its retention, once a day. What the time is by then, this machine and what was
 * written last have to say alike: the clock of one of them could be wrong, and what is dropped is gone. So nothing is
 * dropped before something was written.
 */
export class RetainingStore implements RemoteStore {
  readonly #options: RetainingStoreOptions;
  readonly #log: Log;
  /** The latest receipt that was written since the start, in UTC milliseconds. */
  #latestMs = Number.NEGATIVE_INFINITY;
  #endJob: (() => Promise<void>) | undefined;

  constructor(options: RetainingStoreOptions) {
    this.#options = options;
    this.#log = options.log.child({ sink: options.store.name });
  }

  get name(): string {
    return this.#options.store.name;
  }

  async open(signal: AbortSignal): Promise<void> {
    const { store, jobs } = this.#options;
    await store.open(signal);
    this.#endJob ??= jobs.add({ kind: 'retention', sink: store.name, run: () => this.#drop() });
  }

  async write(records: readonly StoreRecord[]): Promise<readonly RefusedRecord[]> {
    const refused = await this.#options.store.write(records);
    for (const { flat } of records) {
      const receivedMs = Date.parse(flat.received_at ?? '');
      if (receivedMs > this.#latestMs) this.#latestMs = receivedMs;
    }
    return refused;
  }

  async close(): Promise<void> {
    const ended = this.#endJob?.();
    this.#endJob = undefined;
    await this.#options.store.close();
    await ended;
  }

  async #drop(): Promise<boolean> {
    const { store, clock, retentionMs } = this.#options;
    const nowMs = Math.min(clock.wallMs(), this.#latestMs);
    if (nowMs === Number.NEGATIVE_INFINITY) return false;
    await store.dropBefore(nowMs - retentionMs, (part) => {
      this.#log.info({ part }, 'dropped what is older than the retention');
    });
    return true;
  }
}
