import { MooringError } from '../../runtime/errors.ts';
import type { ImportTable } from '../config/import-file.ts';
import type { MessageTaker } from '../ingest/foreign/foreign-intake.ts';
import type { RowKey, TableRows } from '../sinks/mariadb/table-rows.ts';
import type { ImportRange, ProgressFile } from './progress-file.ts';

export interface TableImportOptions {
  readonly place: Pick<ImportRange, 'host' | 'database'>;
  readonly table: ImportTable;
  readonly rows: Pick<TableRows, 'count' | 'page'>;
  readonly intake: MessageTaker;
  readonly progress: Pick<ProgressFile, 'lastOf' | 'reached'>;
  /** Included. */
  readonly from: RowKey | undefined;
  /** Not included: where the live feed begins. */
  readonly until: RowKey | undefined;
  /** UTC milliseconds. */
  readonly wallMs: () => number;
  readonly signal: AbortSignal;
  readonly onProgress: (done: ImportCount, of: number) => void;
}

export interface ImportCount {
  readonly rows: number;
  readonly records: number;
  /** Parts of rows, or whole ones, that went to the dead letter. */
  readonly refused: number;
}

/** Of one read, and of what waits for the log at once. */
const PAGE_ROWS = 500;

/**
 * One table into the log, from where the import before has ended. Resolves at its end. Rejects as `TableRows` and the log do,
 * or with the signal's reason; what was read and not noted comes again then, under the same ids.
 */
export async function importTable(options: TableImportOptions): Promise<ImportCount> {
  const { place, table, rows, intake, progress, from, until, wallMs, signal, onProgress } = options;
  const bound = (value: RowKey | undefined): string | null => (value === undefined ? null : String(value));
  const imported = { ...place, key: table.key, from: bound(from), until: bound(until) };
  let after = progress.lastOf(table.name, imported);
  const range = { table: table.name, key: table.key, from, until };
  const of = await rows.count({ ...range, after });
  let done: ImportCount = { rows: 0, records: 0, refused: 0 };
  for (;;) {
    onProgress(done, of);
    signal.throwIfAborted();
    const page = await rows.page({ ...range, after }, PAGE_ROWS);
    if (page === undefined) return done;
    const outcomes = await Promise.all(
      page.rows.map((row) => {
        const receivedAtMs = wallMs();
        // A row that says no time is the same record when it comes again.
        const delivery = { name: `${table.name}/${String(row[table.key])}`, timestampMs: receivedAtMs };
        return intake.take({ bytes: Buffer.from(JSON.stringify(row)), topic: table.name, receivedAtMs, delivery });
      }),
    );
    for (const outcome of outcomes) {
      if (!outcome.isTaken) throw new MooringError('LOG_FAILED', 'the log has not taken rows of a table');
      const { records, refused } = done;
      done = { ...done, records: records + outcome.records.length, refused: refused + outcome.refused.length };
    }
    done = { ...done, rows: done.rows + page.rows.length };
    await progress.reached(table.name, imported, page.last);
    after = page.last;
  }
}
