import type { RunId } from '../../protocol/ids.ts';
import type { ReadonlyIntervalSet } from '../../protocol/intervals.ts';
import type { FlatRecord, LogEntry } from '../recordlog/recordlog.ts';

/** How far a log has been read. */
export interface LogPosition {
  /** Cluster id and topic: `MkU3OEVBNTcwNTJENDM2Qk/mooring.records`. */
  readonly log: string;
  /** Partition → the offset that is read next. */
  readonly offsets: ReadonlyMap<number, number>;
}

/** A record of an existing device: its id names it, and no run and sequence do. */
export interface ForeignRecord {
  readonly flat: FlatRecord;
  /** `flat` as JSON, on one line, where somebody has made it already. */
  readonly json?: string;
}

/**
 * A store at the end of the path. Idempotent by id: writing an entry twice leaves every record there once.
 * Every sink passes `test/conformance/sink.ts`.
 */
export interface Sink {
  readonly name: string;
  /** Proves that the place is fit, takes it over, repairs what a crash left. Throws a `MooringError`. */
  open(signal: AbortSignal): Promise<void>;
  /**
   * Resolves when the records are durable there, with how many of them were not before. Rejects when none of them may be
   * counted; may be called again.
   * Calls may overlap, and how much waits at once is the caller's to bound.
   * @param position how far a log has been read once these are written: durable together with them, in a sink that keeps
   *   positions. Writes with a position of the same log do not overlap: one that failed must not be passed by the next.
   * @param foreign of existing devices: also each id once
   */
  write(entries: readonly LogEntry[], position?: LogPosition, foreign?: readonly ForeignRecord[]): Promise<number>;
  /**
   * The offsets to go on from, by partition, of a log that has been written from; durable. Empty for another log. Absent
   * where the sink keeps none by itself: then the group's offset has to do.
   */
  positions?(log: string): ReadonlyMap<number, number>;
  /** The logs that it has positions of. Absent where it keeps none. */
  logs?(): readonly string[];
  /** `open` waits for another process to let go of the place. Absent where it never does. */
  readonly isStandingBy?: boolean;
  /** Runs of which anything is durable there; may be asked after `close`. */
  runs(): Iterable<RunId>;
  /** What is durable there, of one run; may be asked after `close`. Costs nothing, whatever the run has: no copy is made. */
  committed(run: RunId): ReadonlyIntervalSet;
  /** Finishes what was written, then lets go. Safe whether or not `open` succeeded. */
  close(): Promise<void>;
}
