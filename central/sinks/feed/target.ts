import type { LogPosition } from '../sink.ts';
import type { WriteLimit } from './backlog.ts';

/** A stretch of a partition that was to be read next and is not in the log any more. */
export interface LogGap {
  readonly log: string;
  readonly partition: number;
  /** The offset that was to be read next. */
  readonly from: number;
  /** Where the log begins now. */
  readonly to: number;
}

/** One that a target will never take. */
export interface RefusedItem {
  /** Where it stands among those that were to be written. */
  readonly index: number;
  /** For people. */
  readonly reason: string;
}

/** How a target wants to be written to, at this moment. */
export interface WritePace extends WriteLimit {
  /** How long the first message after an idle time waits for others, in milliseconds. */
  readonly lingerMs: number;
}

/** What a feed writes to. */
export interface FeedTarget<Item> {
  readonly name: string;
  /** `open` waits for another process to let go of the place. */
  readonly isStandingBy: boolean;
  /** Takes the place over. Throws a `MooringError`, or the signal's reason; may be called again then. */
  open(signal: AbortSignal): Promise<void>;
  /** What a message says. Throws `RECORD_INVALID` for one that can never be written. */
  decode(value: Buffer): Item;
  /**
   * Resolves when all of it is durable, but for what is returned: the dead letter has to have that before the log is read
   * on, so that a target which keeps positions, durable by then, returns nothing. Not called again before it has settled.
   * Rejects with a `MooringError`: the same comes again, and what is there already is not written twice.
   */
  write(items: readonly Item[], position: LogPosition): Promise<readonly RefusedItem[]>;
  /** Asked before each write. Absent: all that there is, at once. */
  pace?(): WritePace;
  /** The durable offsets to go on from, by partition. Undefined where it keeps none by itself. */
  positions(log: string): ReadonlyMap<number, number> | undefined;
  /** The logs that it has positions of. */
  logs(): readonly string[];
  /**
   * Leaves word of what it will never have, together with where it goes on, which may be nowhere yet. Told again it has the
   * same id; a store, which may know an id again by its time or date too, is given the time of the first telling.
   */
  tellGaps(gaps: readonly LogGap[], position: LogPosition): Promise<void>;
  /** Finishes the write that is under way, without waiting for others, then lets go. */
  close(): Promise<void>;
}
