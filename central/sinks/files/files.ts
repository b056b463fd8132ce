import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { RunId } from '../../../protocol/ids.ts';
import type { ReadonlyIntervalSet } from '../../../protocol/intervals.ts';
import type { Clock } from '../../../runtime/clock.ts';
import type { Log } from '../../../runtime/log.ts';
import { jsonOf, type LogEntry } from '../../recordlog/recordlog.ts';
import { Appender } from '../appender.ts';
import type { Disk } from '../disk.ts';
import type { LogPosition, Sink } from '../sink.ts';

export interface FilesSinkOptions {
  readonly name: string;
  /** The folder; made when absent. One process writes there at a time. */
  readonly path: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly disk?: Disk;
  /** Least time between two commits, in milliseconds; 1000 when left out. */
  readonly commitIntervalMs?: number;
  /** How long the first record after an idle time waits for others, in milliseconds; 10 when left out. */
  readonly gatherMs?: number;
}

const TIMESTAMP = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):/;

/**
 * Records as files: NDJSON, one flat record a line, `yyyy/mm/dd/HH.ndjson` by event time in UTC below the folder; its
 * lock and state are in `.mooring/`. A reader of a live file may see a last line that is not finished.
 */
export class FilesSink implements Sink {
  readonly name: string;
  readonly #appender: Appender;

  constructor({ name, path, ...rest }: FilesSinkOptions) {
    this.name = name;
    this.#appender = new Appender({
      ...rest,
      root: path,
      stateDir: join(path, '.mooring'),
      isEmpty: async (disk) => !((await disk.list(path)) ?? []).some((entry) => /^\d{4}$/.test(entry)),
    });
  }

  open(signal: AbortSignal): Promise<void> {
    return this.#appender.open(signal);
  }

  write(entries: readonly LogEntry[], position?: LogPosition): Promise<number> {
    const appends = entries.map(({ run, records }) => ({
      run,
      lines: records.map((record) => ({
        sequence: record.sequence,
        file: hourFileOf(record.flat.timestamp),
        text: jsonOf(record),
      })),
    }));
    return this.#appender.append(appends, position);
  }

  get isStandingBy(): boolean {
    return this.#appender.isStandingBy;
  }

  positions(log: string): ReadonlyMap<number, number> {
    return this.#appender.positions(log);
  }

  logs(): readonly string[] {
    return this.#appender.logs();
  }

  runs(): Iterable<RunId> {
    return this.#appender.runs();
  }

  committed(run: RunId): ReadonlyIntervalSet {
    return this.#appender.committed(run);
  }

  close(): Promise<void> {
    return this.#appender.close();
  }
}

/** `2026-01-02T03:04:05.678Z` → `2026/01/02/03.ndjson`. */
export function hourFileOf(timestamp: string): string {
  const match = TIMESTAMP.exec(timestamp);
  assert(match !== null, 'the protocol bounds event times to 1970–9999');
  const [, year, month, day, hour] = match;
  return `${year}/${month}/${day}/${hour}.ndjson`;
}
