import type { SinkConfig } from './config/types.ts';
import type { ForeignOutlets } from './foreign-ways.ts';
import type { DeadLetters } from './ingest/dead-letter.ts';
import type { AckSource, HeldRecords, RecordLog } from './recordlog/recordlog.ts';
import type { FeedStatus } from './sinks/feed/feed.ts';

/**
 * Everything behind the intake as one piece: record log, dead letter and sinks. There are two: `direct`, straight to the
 * sinks, and Kafka with a feed for each sink.
 */
export interface Storage extends Pick<RecordLog, 'append'>, Pick<AckSource, 'isAcknowledged'> {
  readonly deadLetters: DeadLetters;
  /** What the log holds for sinks that decide; absent where none do, or there is no log before them. */
  readonly held?: HeldRecords;
  /** Aborted when nothing may be acknowledged any more, whatever happens; the reason is a `MooringError`. */
  readonly failed: AbortSignal;
  /** For what existing devices say, once it is open; with Kafka only. */
  foreign?(): ForeignOutlets;
  /** Resolves when records may come. Rejects with a `MooringError`, or with the signal's reason. */
  open(signal: AbortSignal): Promise<void>;
  sinks(): readonly SinkStatus[];
  /**
   * Finishes what was appended, then closes log and dead letter. Safe whether or not `open` succeeded.
   * @param answered resolves when the outcome of every append has been answered, which may still need the dead letter
   */
  close(answered: Promise<void>): Promise<void>;
  /** Closes the sinks that go on by themselves; resolves when each has committed what it wrote and left its group. */
  leave(): Promise<void>;
}

export interface SinkStatus {
  readonly name: string;
  readonly kind: SinkConfig['kind'];
  /** Where it writes: a path of this machine, or where the store is. */
  readonly path: string;
  /** How far it is behind Kafka, where there is one. */
  readonly feed?: FeedStatus;
}

export function statusOf(sink: SinkConfig): SinkStatus {
  const { name, kind } = sink;
  return { name, kind, path: 'path' in sink ? sink.path : sink.place };
}
