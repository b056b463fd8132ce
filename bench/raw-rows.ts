import { walBytesOf } from '../daemon/store/budget.ts';
import { type Db, openForWriting } from '../daemon/store/connection.ts';
import { packed } from '../daemon/store/packing.ts';
import type { Observation } from '../protocol/record.ts';
import { BUDGET_BYTES } from './store-options.ts';

/** The columns of a row of the store that its content decides. */
export type Row = readonly [station: string, kind: number, timestampMs: number, body: Uint8Array];

/** Run and its number in a database that has no other. */
const RUN = 1;
const NOT_URGENT = 0;

/** The store's own columns of each observation, ready to be inserted. */
export function rowsOf(observations: readonly Observation[]): Row[] {
  const { stations, kinds, timestampsMs, lengths, bodies } = packed(observations);
  let at = 0;
  return lengths.map((length, index) => {
    at += length;
    const body = bodies.subarray(at - length, at);
    return [stations[index] as string, kinds[index] as number, timestampsMs[index] as number, body];
  });
}

/**
 * better-sqlite3 and nothing else: the schema, the pragmas and the rows of the store, inserted by one prepared statement
 * on the calling thread.
 */
export class RawRows {
  readonly #db: Db;
  readonly #insertAll: (rows: readonly Row[]) => void;
  #row = 0;

  constructor(path: string) {
    const db = openForWriting({ path, walBytes: walBytesOf(BUDGET_BYTES) });
    db.prepare("INSERT INTO runs (run, gateway, salt, first_row) VALUES (?, 'raw', x'00', 1)").run(RUN);
    const insert = db.prepare(
      'INSERT INTO records (row, run, seq, urgent, station, kind, timestamp_ms, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    );
    this.#db = db;
    this.#insertAll = db.transaction((rows: readonly Row[]) => {
      for (const row of rows) {
        this.#row += 1;
        insert.run(this.#row, RUN, this.#row, NOT_URGENT, ...row);
      }
    });
  }

  /** One transaction; on disk when it returns. */
  insert(rows: readonly Row[]): void {
    this.#insertAll(rows);
  }

  close(): void {
    this.#db.close();
  }
}
