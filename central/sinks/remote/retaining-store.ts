import type { Clock } from '../../../runtime/clock.ts';
import { MooringError } from '../../../runtime/errors.ts';
import type { Log } from '../../../runtime/log.ts';
import type { RefusedRecord, RemoteStore, StoreRecord } from './remote-store.ts';

/** A store that can drop what is old in large parts. */
export interface DroppingStore extends RemoteStore {
  /** Drops the parts whose every event was before `dayMs`, UTC milliseconds; their names. Throws `SINK_FAILED`. */
  dropBefore(dayMs: number): Promise<readonly string[]>;
}

export interface RetainingStoreOptions {
  /** Owned: opened and closed here. */
  readonly store: DroppingStore;
  /** How long an event is kept, in milliseconds. */
  readonly retentionMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

const INTERVAL_MS = 3_600_000;

/**
 * A store that drops what is older than its retention, every hour. What the time is by then, this machine and what was
 * written last have to say alike: the clock of one of them could be wrong, and what is dropped is gone.
 */
export class RetainingStore implements RemoteStore {
  readonly #options: RetainingStoreOptions;
  readonly #log: Log;
  /** The latest receipt that was written since the start, in UTC milliseconds. */
  #latestMs = Number.NEGATIVE_INFINITY;
  #cancel: (() => void) | undefined;
  #dropping: Promise<void> = Promise.resolve();
  #isFailing = false;
  #isClosed = false;

  constructor(options: RetainingStoreOptions) {
    this.#options = options;
    this.#log = options.log.child({ sink: options.store.name });
  }

  get name(): string {
    return this.#options.store.name;
  }

  async open(signal: AbortSignal): Promise<void> {
    await this.#options.store.open(signal);
    this.#schedule();
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
    this.#isClosed = true;
    this.#cancel?.();
    await this.#options.store.close();
    await this.#dropping;
  }

  #schedule(): void {
    if (this.#isClosed) return;
    this.#cancel = this.#options.clock.after(INTERVAL_MS, () => {
      this.#dropping = this.#drop().finally(() => this.#schedule());
    });
  }

  async #drop(): Promise<void> {
    const { store, clock, retentionMs } = this.#options;
    const nowMs = Math.min(clock.wallMs(), this.#latestMs);
    if (nowMs === Number.NEGATIVE_INFINITY) return;
    try {
      const dropped = await store.dropBefore(nowMs - retentionMs);
      this.#isFailing = false;
      if (dropped.length > 0) this.#log.info({ dropped }, 'dropped what is older than the retention');
    } catch (error) {
      if (!(error instanceof MooringError)) throw error;
      if (!this.#isFailing && !this.#isClosed) {
        this.#log.warn({ err: error }, 'what is older than the retention cannot be dropped; trying again');
      }
      this.#isFailing = true;
    }
  }
}
