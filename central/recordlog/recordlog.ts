import type { RejectCode } from '../../protocol/ack.ts';
import type { FlatRecord } from '../../protocol/flat-record.ts';
import type { RunId } from '../../protocol/ids.ts';
import type { Range } from '../../protocol/intervals.ts';

export type { FlatRecord };

/** Some records of one run, as ingest hands them to the log. Sequences ascend and are unique. */
export interface LogEntry {
  readonly gateway: string;
  readonly run: RunId;
  readonly records: readonly LogRecord[];
}

export interface LogRecord {
  readonly sequence: number;
  readonly flat: FlatRecord;
  /** `flat` as JSON, where somebody has made it already. */
  readonly json?: string;
}

/** A record's flat object as JSON; made once, however many read it. */
export function jsonOf({ flat, json }: LogRecord): string {
  return json ?? JSON.stringify(flat);
}

/** What became of an entry. Every sequence of the entry is in exactly one part. */
export interface LogOutcome {
  /** Durable where the configuration's `ack` asks for it. */
  readonly stored: readonly Range[];
  /** How many of the stored ones were not durable before, as far as the log can tell. */
  readonly added: number;
  /** Durable in the log, not yet where `ack` asks for it. */
  readonly held: readonly Range[];
  readonly rejected: readonly LogRejection[];
}

/** Never to be stored. */
export interface LogRejection {
  readonly ranges: readonly Range[];
  readonly code: RejectCode;
  readonly reason: string;
  /** They are in the dead letter. Left out: the caller puts them there before it answers. */
  readonly isKept?: true;
}

/**
 * Where ingest puts records, and the one thing that decides what an ack may say: `direct` (straight to the sinks) or
 * Kafka. Both pass `test/conformance/recordlog.ts`.
 */
export interface RecordLog {
  open(signal: AbortSignal): Promise<void>;
  /**
   * Makes an entry durable. Idempotent: what is there already is `stored` and not written again.
   * Rejects with a `MooringError` when nothing may be acknowledged; the same entry may be given again.
   * Calls may overlap, and how much waits at once is the caller's to bound.
   */
  append(entry: LogEntry): Promise<LogOutcome>;
  /** Finishes what was accepted, then closes. */
  close(): Promise<void>;
}

/** Where records of a run stand. What the log does not know of is in no part: its gateway sends it again. */
export interface Standing {
  readonly stored: readonly Range[];
  readonly held: readonly Range[];
  readonly rejected: readonly LogRejection[];
}

/** What becomes of records that were `held`, by whatever copy of the centre. */
export interface HeldRecords {
  /** Calls `listener`, the only one, when records of a run have become stored or rejected. */
  watch(listener: (run: RunId) => void): void;
  standing(run: RunId, ranges: readonly Range[]): Standing;
  /**
   * What is held of a run for longer than an append waits. From then on this copy sees to it that it becomes stored or
   * rejected, also where the copy that has held it is gone.
   */
  adopt(run: RunId): readonly Range[];
}

/** Where it can be asked what was acknowledged. */
export interface AckSource {
  /** Runs of which anything was. */
  runs(): Iterable<RunId>;
  acknowledged(run: RunId): readonly Range[];
  /** Whether this record was; asked for every record that comes, so it copies nothing. */
  isAcknowledged(run: RunId, sequence: number): boolean;
}

/** Keeps a copy of what is acknowledged, at its own pace: whatever becomes of it, no acknowledgement waits or fails. */
export interface AckFollower {
  /** Begins; catches up with what `source` has first. */
  start(source: AckSource): void;
  /** More of a run has been acknowledged. */
  follow(run: RunId): void;
  /** Copies what there still is, as far as that goes at once. */
  close(): Promise<void>;
}
