import type { RunId } from '../../protocol/ids.ts';
import type { Range } from '../../protocol/intervals.ts';
import type { LogEntry } from '../recordlog/recordlog.ts';

/** A store at the end of the path. Idempotent by id: writing an entry twice leaves every record there once. */
export interface Sink {
  readonly name: string;
  /** Proves that the place is fit, takes it over, repairs what a crash left. Throws a `MooringError`. */
  open(signal: AbortSignal): Promise<void>;
  /** Resolves when the records are durable there. Rejects when none of them may be counted; may be called again. */
  write(entries: readonly LogEntry[]): Promise<void>;
  /** What is durable there, of one run. */
  committed(run: RunId): readonly Range[];
  close(): Promise<void>;
}
