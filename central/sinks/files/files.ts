import { join, resolve } from 'node:path';
import type { RunId } from '../../../protocol/ids.ts';
import type { ReadonlyIntervalSet } from '../../../protocol/intervals.ts';
import type { Clock } from '../../../runtime/clock.ts';
import type { Log } from '../../../runtime/log.ts';
import { jsonOf, type LogEntry } from '../../recordlog/recordlog.ts';
import { Appender } from '../appender.ts';
import { type Disk, nodeDisk } from '../disk.ts';
import type { ForeignRecord, LogPosition, Sink } from '../sink.ts';
import { EncoderThread } from './encoder-thread.ts';
import { foreignIdsOf } from './foreign-ids.ts';
import { type FilesLayout, hourFileOf } from './hour-file.ts';
import { HourParts } from './hour-parts.ts';
import type { LinesEncoder } from './lines-encoder.ts';
import { ParquetParts } from './parquet-parts.ts';

export type FilesFormat = 'ndjson' | 'parquet' | 'both';

export interface FilesSinkOptions {
  readonly name: string;
  /** The folder; made when absent. One process writes there at a time. */
  readonly path: string;
  /** `ndjson` when left out. With `parquet` the lines of an hour go once they are Parquet; with `both` they stay. */
  readonly format?: FilesFormat;
  /** `date` when left out. */
  readonly layout?: FilesLayout;
  readonly clock: Clock;
  readonly log: Log;
  readonly disk?: Disk;
  /** What makes Parquet; a thread of its own when left out. */
  readonly createEncoder?: () => LinesEncoder;
  /** Least time between two commits, in milliseconds; 1000 when left out. */
  readonly commitIntervalMs?: number;
  /** How long the first record after an idle time waits for others, in milliseconds; 10 when left out. */
  readonly gatherMs?: number;
}

const STATE_FOLDER = '.mooring';
const RECORDS_TOP = /^(\d{4}|undated|user)$/;

/**
 * Records as files: NDJSON, one flat record a line, `yyyy/mm/dd/HH.ndjson` by event time in UTC below the folder; its
 * lock and state are in `.mooring/`. Hours that are over become Parquet where the format says so. A reader of a live file may see a last line that is not finished.
 */
export class FilesSink implements Sink {
  readonly name: string;
  readonly #options: Required<Pick<FilesSinkOptions, 'format' | 'layout' | 'disk'>> & FilesSinkOptions;
  readonly #parts: HourParts;
  readonly #appender: Appender;
  #parquet: ParquetParts | undefined;

  constructor(options: FilesSinkOptions) {
    const { name, format = 'ndjson', layout = 'date', disk = nodeDisk } = options;
    const path = resolve(options.path);
    const parts = new HourParts(path, disk);
    this.name = name;
    this.#options = { ...options, path, format, layout, disk };
    this.#parts = parts;
    const areSealed = format !== 'ndjson';
    this.#appender = new Appender({
      ...this.#options,
      root: path,
      stateDir: join(path, STATE_FOLDER),
      isEmpty: async () => !((await disk.list(path)) ?? []).some((entry) => RECORDS_TOP.test(entry)),
      parts: { currentOf: (file, isSealed) => parts.currentOf(file, isSealed), areSealed },
      idsIn: (file) => foreignIdsOf(parts, { disk, path, file }),
    });
  }

  async open(signal: AbortSignal): Promise<void> {
    const { format, path: root, disk, clock, log, createEncoder = () => new EncoderThread() } = this.#options;
    // Another process may have made some since.
    this.#parts.forgetAll();
    await this.#appender.open(signal);
    if (format === 'ndjson') return;
    this.#parquet = new ParquetParts({
      appender: this.#appender,
      parts: this.#parts,
      root,
      temporaryDir: join(root, STATE_FOLDER, 'tmp'),
      createEncoder,
      keepsLines: format === 'both',
      disk,
      clock,
      log,
    });
    this.#parquet.start();
  }

  write(entries: readonly LogEntry[], position?: LogPosition, foreign: readonly ForeignRecord[] = []): Promise<number> {
    const appends = entries.map(({ run, records }) => ({
      run,
      lines: records.map((record) => ({
        sequence: record.sequence,
        file: hourFileOf(record.flat, this.#options.layout),
        text: jsonOf(record),
      })),
    }));
    const named = foreign.map((record) => ({
      id: record.flat.id,
      file: hourFileOf(record.flat, this.#options.layout),
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

  async close(): Promise<void> {
    this.#appender.hurry();
    await this.#parquet?.close();
    this.#parquet = undefined;
    await this.#appender.close();
  }
}
