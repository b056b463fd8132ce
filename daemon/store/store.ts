import type { RejectCode } from '../../protocol/ack.ts';
import type { RunId } from '../../protocol/ids.ts';
import type { Range } from '../../protocol/intervals.ts';
import type { Observation, SequencedRecord } from '../../protocol/record.ts';

/**
 * The lanes of forwarding, first to last: alarms and events; samples appended in the last 60 s (monotonic); the rest,
 * oldest first.
 */
export const LANES = ['urgent', 'live', 'backlog'] as const;
export type Lane = (typeof LANES)[number];

/** How old a record may be for the live lane, in milliseconds since it was appended. */
export const LIVE_MS = 60_000;

export interface AppendOptions {
  /** Goes by the urgent lane and is committed at once, whatever the linger. */
  readonly urgent: boolean;
}

export interface Appended {
  /** Sequences of the current run, in the order of the observations. */
  readonly first: number;
  readonly last: number;
}

/** Rows of one run, reserved for one forwarder until they are settled, held or released. */
export interface Taken {
  readonly run: RunId;
  readonly salt: Uint8Array;
  readonly lane: Lane;
  /** Ascending sequences, at most `BOUNDS` allows in one batch. */
  readonly records: readonly SequencedRecord[];
}

export interface TakeLimits {
  readonly recordsMax: number;
  /** Bound on the sum of the rows' stored bytes. */
  readonly bytesMax: number;
}

export interface Current {
  readonly run: RunId;
  readonly salt: Uint8Array;
  /** Id of the newest record that this store ever committed before this run, where there is one. */
  readonly previous?: string;
}

export interface StoreStats {
  readonly records: number;
  /** Bytes of database and write-ahead log. */
  readonly bytes: number;
  readonly bytesMax: number;
  /** Records that were dropped for the budget since this store was made. */
  readonly dropped: number;
  readonly forwarders: Readonly<Record<string, ForwarderStats>>;
}

export interface ForwarderStats {
  /** Records not yet settled: in flight and held ones included. */
  readonly pending: number;
  readonly inFlight: number;
  readonly held: number;
  /** Event time of the oldest unsettled record. */
  readonly oldestTimestampMs?: number;
}

/**
 * Keeps every record until every forwarder has settled it, and after that as long as the budget allows.
 * Calls are carried out in order, but that what is to be durable may wait to share a commit. Each rejects with a
 * `MooringError` of a `STORE_…` code.
 */
export interface Store {
  /**
   * Opens or makes the file, takes the lock, draws a new run. Forwarders that left the configuration hold rows until the
   * first append, with which an event says that they do no more. Throws `STORE_IN_USE`, `STORE_OTHER_GATEWAY`, …
   */
  open(): Promise<Current>;
  /** Resolves when the records are on disk (commit with `synchronous=FULL`), with their sequences. */
  append(observations: readonly Observation[], options: AppendOptions): Promise<Appended>;
  /** Ends the linger of what waits: it is handed to the disk now. The appends themselves say when it is there. */
  flush(): Promise<void>;
  /** Reserves the next rows of a lane; undefined when there are none. What cannot be read is left out, and declared lost. */
  take(forwarder: string, lane: Lane, limits: TakeLimits): Promise<Taken | undefined>;
  /** Gives rows back: they will be taken again. */
  release(forwarder: string, salt: Uint8Array, ranges: readonly Range[]): Promise<void>;
  /** The centre's log has them, its sinks not yet: not taken again until released, but not in flight for the budget. */
  hold(forwarder: string, salt: Uint8Array, ranges: readonly Range[]): Promise<void>;
  /** Frees rows, durably. Returns how many were pending until now. */
  settle(forwarder: string, salt: Uint8Array, ranges: readonly Range[]): Promise<number>;
  /** Frees rows that the centre will never take, and appends the `gap` record that says so, in one transaction. */
  reject(forwarder: string, salt: Uint8Array, ranges: readonly Range[], code: RejectCode): Promise<number>;
  stats(): Promise<StoreStats>;
  /** Commits what waits, releases the lock. */
  close(): Promise<void>;
}
