import { join } from 'node:path';
import type { RunId } from '../../../protocol/ids.ts';
import type { ReadonlyIntervalSet } from '../../../protocol/intervals.ts';
import type { Clock } from '../../../runtime/clock.ts';
import type { Log } from '../../../runtime/log.ts';
import { jsonOf, type LogEntry } from '../../recordlog/recordlog.ts';
import { Appender } from '../appender.ts';
import { type Disk, nodeDisk } from '../disk.ts';
import type { ForeignRecord, LogPosition, Sink } from '../sink.ts';
import { foreignIdsIn } from './foreign-ids.ts';
import { type FilesLayout, hourFileOf } from './hour-file.ts';
import { linesOf } from './lines.ts';

export interface FilesSinkOptions {
  readonly name: string;
  /** The folder; made when absent. One process writes there at a time. */
  readonly path: string;
  /** `date` when left out. */
  readonly layout?: FilesLayout;
  readonly clock: Clock;
  readonly log: Log;
  readonly disk?: Disk;
  /** Least time between two commits, in milliseconds; 1000 when left out. */
  readonly commitIntervalMs?: number;
  /** How long the first record after an idle time waits for others, in milliseconds; 10 when left out. */
  readonly gatherMs?: number;
}

const RECORDS_TOP = /^(\d{4}|undated|user)$/;

/**
 * Records as files: NDJSON, one flat record a line, `yyyy/mm/dd/HH.ndjson` by event time in UTC below the folder; its
 * lock and state are in `.mooring/`. A reader of a live file may see a last line that is not finished.
 */
export class FilesSink implements Sink {
  readonly name: string;
  readonly #layout: FilesLayout;
  readonly #appender: Appender;

  constructor({ name, path, layout = 'date', disk = nodeDisk, ...rest }: FilesSinkOptions) {
    this.name = name;
    this.#layout = layout;
    this.#appender = new Appender({
      ...rest,
      disk,
      root: path,
      stateDir: join(path, '.mooring'),
      isEmpty: async () => !((await disk.list(path)) ?? []).some((entry) => RECORDS_TOP.test(entry)),
      idsIn: async function* (file) {
        for await (const lines of linesOf(disk, join(path, file))) yield foreignIdsIn(lines);
      },
    });
  }

  open(signal: AbortSignal): Promise<void> {
    return this.#appender.open(signal);
  }

  write(entries: readonly LogEntry[], position?: LogPosition, foreign: readonly ForeignRecord[] = []): Promise<number> {
    const appends = entries.map(({ run, records }) => ({
      run,
      lines: records.map((record) => ({
        sequence: record.sequence,
        file: hourFileOf(record.flat, this.#layout),
        text: jsonOf(record),
      })),
    }));
    const named = foreign.map((record) => ({
      id: record.flat.id,
      file: hourFileOf(record.flat, this.#layout),
      text: record.json ?? JSON.stringify(record.flat),
    }));
    return this.#appender.append(appends, position, named);
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
