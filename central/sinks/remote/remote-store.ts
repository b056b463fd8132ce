import type { RunId } from '../../../protocol/ids.ts';
import type { FlatRecord } from '../../recordlog/recordlog.ts';

/** Where a record stands among those of its gateway. */
export interface RecordPlace {
  readonly run: RunId;
  readonly sequence: number;
}

/** A record as a store takes it. */
export interface StoreRecord {
  readonly flat: FlatRecord;
  /** `flat` as JSON, on one line. */
  readonly json: string;
  /** Undefined: a record of an existing device, whose id names no run. */
  readonly place: RecordPlace | undefined;
}

/** One that a store will never take. */
export interface RefusedRecord {
  /** Where it stands among those that were to be written. */
  readonly index: number;
  /** For people: what the store said. */
  readonly reason: string;
}

/**
 * A store that runs somewhere else: a database, a search engine, a lake. It tells by itself that an id is there already, so
 * that nothing is kept here: neither what it has nor how far the log was read, which the group of the sink says.
 * Whatever is behind it passes `test/conformance/remote-store.ts`.
 */
export interface RemoteStore {
  readonly name: string;
  /**
   * Connects, and makes or checks the schema. Throws `SINK_UNFIT` for a schema that is another's, `SINK_FAILED` where the
   * store is out of reach, or the signal's reason; may be called again then.
   */
  open(signal: AbortSignal): Promise<void>;
  /**
   * Resolves when every record is durable there, once, however often it comes, but for those that are returned: they can
   * never be written as they are. Rejects with a `MooringError` when that is not known of all: the same come again then.
   * Has a deadline of its own. Calls do not overlap.
   */
  write(records: readonly StoreRecord[]): Promise<readonly RefusedRecord[]>;
  /** Lets go of the connection; a write that is under way rejects. Safe whether or not `open` succeeded. */
  close(): Promise<void>;
}
