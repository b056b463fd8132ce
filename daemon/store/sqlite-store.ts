import type { RejectCode } from '../../protocol/ack.ts';
import type { Range } from '../../protocol/intervals.ts';
import type { Observation } from '../../protocol/record.ts';
import type { Clock } from '../../runtime/clock.ts';
import { MooringError } from '../../runtime/errors.ts';
import type { Log } from '../../runtime/log.ts';
import type { Random } from '../../runtime/random.ts';
import type { Appended, AppendOptions, Current, Lane, Store, StoreStats, TakeLimits, Taken } from './store.ts';

export interface SqliteStoreOptions {
  /** Path of the database; its folder is made where it is missing. */
  readonly path: string;
  readonly gateway: string;
  /** Names of the forwarders of the configuration: each holds every record until it has settled it. */
  readonly forwarders: readonly string[];
  /** Bound on the bytes of database and write-ahead log. */
  readonly budgetBytes: number;
  /** How long a record may wait for others to share its commit, in milliseconds: the loss window. */
  readonly lingerMs: number;
  readonly random: Random;
  readonly clock: Clock;
  readonly log: Log;
  /** Labels the `gap` records that the store writes by itself. */
  readonly label: () => Pick<Observation, 'timestampMs' | 'clock'>;
  /** Called once when the store's thread has died: nothing can be stored any more, and the process should end. */
  readonly onDied?: (error: MooringError) => void;
  /** How long a few settled rows may wait for a commit to take them along, in milliseconds. */
  readonly settleGatherMs?: number;
}

/** The gateway's store: SQLite in a worker thread, which alone waits for the disk. */
export class SqliteStore implements Store {
  readonly options: SqliteStoreOptions;

  constructor(options: SqliteStoreOptions) {
    this.options = options;
  }

  open(): Promise<Current> {
    return this.#missing();
  }

  append(_observations: readonly Observation[], _options: AppendOptions): Promise<Appended> {
    return this.#missing();
  }

  take(_forwarder: string, _lane: Lane, _limits: TakeLimits): Promise<Taken | undefined> {
    return this.#missing();
  }

  release(_forwarder: string, _salt: Uint8Array, _ranges: readonly Range[]): Promise<void> {
    return this.#missing();
  }

  hold(_forwarder: string, _salt: Uint8Array, _ranges: readonly Range[]): Promise<void> {
    return this.#missing();
  }

  settle(_forwarder: string, _salt: Uint8Array, _ranges: readonly Range[]): Promise<number> {
    return this.#missing();
  }

  reject(_forwarder: string, _salt: Uint8Array, _ranges: readonly Range[], _code: RejectCode): Promise<number> {
    return this.#missing();
  }

  stats(): Promise<StoreStats> {
    return this.#missing();
  }

  close(): Promise<void> {
    return this.#missing();
  }

  #missing(): Promise<never> {
    return Promise.reject(new MooringError('STORE_FAILED', 'not built yet'));
  }
}
