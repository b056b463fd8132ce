import { IntervalSet, type Range } from '../../protocol/intervals.ts';
import type { Db } from './connection.ts';
import type { Cursor, Reservations } from './cursor.ts';
import { IntervalTable, NO_FORWARDER } from './interval-table.ts';
import { isUrgentKind, type PackedRecords } from './packing.ts';
import { subtract } from './range-lists.ts';
import type { StoredRunRow } from './run-table.ts';

/** Which of the packed records: `count` of them from index `from`, whose bodies begin at `bodiesAt`. */
export interface Part {
  readonly from: number;
  readonly count: number;
  readonly bodiesAt: number;
}

/** So many rows at a time take half as long to read as one by one. */
const READ_ROWS = 64;

/** So many rows at a time take two thirds as long to insert as one by one. */
const INSERT_ROWS = 16;
const COLUMNS = 8;
const PLACES = `(${Array(COLUMNS).fill('?').join(', ')})`;

type Column = number | string | Uint8Array;

/** A row without its numbers. */
export type RowColumns = readonly [station: string, kind: number, timestampMs: number, body: Uint8Array];

/**
 * The table of records, and in memory which of its rows there are and which are urgent. Changes are made inside the
 * caller's transaction; when that is rolled back, `load` again.
 */
export class StoredRows {
  readonly #gone: IntervalTable;
  readonly #insert;
  readonly #insertMany;
  readonly #delete;
  readonly #read;
  readonly #urgentRows;
  readonly #newest;
  #lastRow = 0;
  /** Kept as one object for good: the cursors look into it. */
  readonly urgent = new IntervalSet();
  readonly cursors = new Map<string, Cursor>();

  constructor(db: Db) {
    this.#gone = new IntervalTable(db, 'gone', NO_FORWARDER);
    const insert = 'INSERT INTO records (row, run, seq, urgent, station, kind, timestamp_ms, body) VALUES';
    this.#insert = db.prepare<Column[]>(`${insert} ${PLACES}`);
    this.#insertMany = db.prepare<Column[]>(`${insert} ${Array(INSERT_ROWS).fill(PLACES).join(', ')}`);
    this.#delete = db.prepare('DELETE FROM records WHERE row BETWEEN ? AND ?');
    this.#read = db
      .prepare('SELECT station, kind, timestamp_ms, body FROM records WHERE row BETWEEN ? AND ? ORDER BY row')
      .raw();
    this.#urgentRows = db.prepare('SELECT row FROM records WHERE urgent = 1 ORDER BY row').pluck();
    this.#newest = db.prepare('SELECT max(row) FROM records').pluck();
    this.load();
  }

  /** The newest row that the store ever had; 0 when it had none. */
  get lastRow(): number {
    return this.#lastRow;
  }

  get count(): number {
    return this.#lastRow - this.#gone.set.count;
  }

  /** The rows that are there. */
  present(): Range[] {
    return this.#lastRow === 0 ? [] : this.#gone.set.missing(1, this.#lastRow);
  }

  /** The rows that were there. */
  gone(): Range[] {
    return this.#gone.set.ranges();
  }

  /** What is in flight or held, by forwarder: not in the tables, so to be kept from before a transaction that may fail. */
  reservations(): ReadonlyMap<string, Reservations> {
    return new Map([...this.cursors].map(([name, cursor]) => [name, cursor.reservations()]));
  }

  /** Reads again what the tables say. */
  load(reservations: ReadonlyMap<string, Reservations> = new Map()): void {
    this.#gone.load();
    this.#lastRow = Math.max(Number(this.#newest.get() ?? 0), this.#gone.set.last ?? 0);
    for (const range of this.urgent.ranges()) this.urgent.remove(...range);
    for (const row of this.#urgentRows.iterate() as IterableIterator<number>) this.urgent.add(row);
    const present = this.present();
    for (const [name, cursor] of this.cursors) cursor.load(present, reservations.get(name));
  }

  /** Adds a part of the packed records to a run. Returns the row of the first. */
  append(run: StoredRunRow, records: PackedRecords, { from, count, bodiesAt }: Part, urgent: boolean): number {
    const firstRow = this.#lastRow + 1;
    let at = bodiesAt;
    let columns: Column[] = [];
    for (let index = from; index < from + count; index += 1) {
      const row = this.#lastRow + 1;
      const kind = records.kinds[index] as number;
      const end = at + (records.lengths[index] as number);
      const isUrgent = urgent || isUrgentKind(kind);
      columns.push(
        row,
        run.number,
        row - run.firstRow + 1,
        Number(isUrgent),
        records.stations[index] as string,
        kind,
        records.timestampsMs[index] as number,
        records.bodies.subarray(at, end),
      );
      if (columns.length === INSERT_ROWS * COLUMNS) {
        this.#insertMany.run(...columns);
        columns = [];
      }
      at = end;
      this.#lastRow = row;
      if (isUrgent) this.urgent.add(row);
    }
    for (let column = 0; column < columns.length; column += COLUMNS) {
      this.#insert.run(...columns.slice(column, column + COLUMNS));
    }
    if (count > 0) for (const cursor of this.cursors.values()) cursor.appended(firstRow, this.#lastRow);
    return firstRow;
  }

  /**
   * Rows of a range that is present, in order; no more are read than about as many as are asked for. Undefined where a
   * row is not there, as happens to a damaged file only.
   */
  *read(first: number, last: number): Generator<RowColumns | undefined, void> {
    for (let from = first; from <= last; from += READ_ROWS) {
      const to = Math.min(last, from + READ_ROWS - 1);
      const rows = this.#read.all(from, to) as RowColumns[];
      if (rows.length === to - from + 1) yield* rows;
      else for (let row = from; row <= to; row += 1) yield this.#read.get(row, row) as RowColumns | undefined;
    }
  }

  timestampOf(row: number): number | undefined {
    const [columns] = this.#read.all(row, row) as RowColumns[];
    return columns?.[2];
  }

  /** Deletes rows that are present. */
  remove(first: number, last: number): void {
    this.#delete.run(first, last);
    this.#gone.add(first, last);
    this.urgent.remove(first, last);
    for (const cursor of this.cursors.values()) cursor.forget(first, last);
  }

  /** Rows that some forwarder has not settled. */
  unsettled(): Range[] {
    const present = this.present();
    let free = present;
    for (const cursor of this.cursors.values()) free = subtract(free, cursor.pending.ranges());
    return subtract(present, free);
  }
}
