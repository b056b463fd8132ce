import { countOf, IntervalSet } from '../../protocol/intervals.ts';
import type { LogEntry, LogOutcome, RecordLog } from '../recordlog/recordlog.ts';

/** Hears of records once the log has them. Throws nothing, and returns at once. */
export interface RecordListener {
  took(entry: LogEntry): void;
}

/** A record log that tells others what it took. What it refuses they do not hear of. */
export class ObservedLog implements Pick<RecordLog, 'append'> {
  readonly #log: Pick<RecordLog, 'append'>;
  readonly #listeners: readonly RecordListener[];

  constructor(log: Pick<RecordLog, 'append'>, listeners: readonly RecordListener[]) {
    this.#log = log;
    this.#listeners = listeners;
  }

  async append(entry: LogEntry): Promise<LogOutcome> {
    const outcome = await this.#log.append(entry);
    const taken = takenOf(entry, outcome);
    if (taken.records.length > 0) for (const listener of this.#listeners) listener.took(taken);
    return outcome;
  }
}

function takenOf(entry: LogEntry, { stored, held }: LogOutcome): LogEntry {
  if (countOf(stored) + countOf(held) === entry.records.length) return entry;
  const taken = new IntervalSet([...stored, ...held]);
  return { ...entry, records: entry.records.filter(({ sequence }) => taken.has(sequence)) };
}
