import assert from 'node:assert/strict';
import { dirname } from 'node:path';
import { type RunId, recordIdOf } from '../../protocol/ids.ts';
import { countOf, IntervalSet, type Range, rangesOf } from '../../protocol/intervals.ts';
import { BOUNDS, type Observation } from '../../protocol/record.ts';
import { Budget, walBytesOf } from './budget.ts';
import { type Db, guarded, openForWriting, syncFolder } from './connection.ts';
import type { Cursor, Reservations } from './cursor.ts';
import {
  configureForwarders,
  confirmForwarders,
  type ForwarderChanges,
  refuseOtherGateway,
  restoreForwarders,
  retirement,
} from './forwarder-table.ts';
import { type GapCause, GapDeclaration, infoOf } from './gap.ts';
import { forgettableRuns } from './old-runs.ts';
import { KIND_GAP, type PackedRecords, packed } from './packing.ts';
import { RecentRows } from './recent-rows.ts';
import { listRun } from './run-list.ts';
import { RunTable, type StoredRunRow, saltText, sequencesOf } from './run-table.ts';
import type { ForwarderStats, Lane, StoreStats, TakeLimits } from './store.ts';
import { type RowColumns, StoredRows } from './stored-rows.ts';

export interface StoreFileOptions {
  /** Path of the database. */
  readonly path: string;
  readonly gateway: string;
  /** Names of the forwarders of the configuration: each holds every record until it has settled it. */
  readonly forwarders: readonly string[];
  /** Bound on the bytes of database and write-ahead log. */
  readonly budgetBytes: number;
  /** Of the run that begins. */
  readonly salt: Uint8Array;
}

/** Rows of one run, towards one forwarder. */
export interface Settlement {
  readonly forwarder: string;
  readonly salt: Uint8Array;
  readonly ranges: readonly Range[];
  /** Where the centre does not have them: why it never will. */
  readonly waived?: Omit<GapCause, 'salt'>;
}

/** What is committed together. */
export interface Group {
  readonly nowMs: number;
  readonly label: Pick<Observation, 'timestampMs' | 'clock'>;
  readonly records: PackedRecords;
  /** How the records divide into appends. */
  readonly appends: readonly { readonly count: number; readonly urgent: boolean }[];
  readonly settlements: readonly Settlement[];
}

export interface GroupOutcome {
  /** First sequence of each append; undefined when there is no room for them and nothing that may give way. */
  readonly firsts: readonly number[] | undefined;
  /** How many rows each settlement freed. */
  readonly settled: readonly number[];
  /** Rows that gave way although a forwarder had not settled them. */
  readonly dropped: number;
}

export interface PackedTaken extends PackedRecords {
  readonly run: RunId;
  readonly salt: Uint8Array;
  readonly sequences: readonly number[];
  /** Those of rows that are not there, although nobody removed them: reserved too. */
  readonly missing: readonly number[];
}

/** The store without its thread: every call returns when the disk has answered. Throws `MooringError`s. */
export class StoreFile {
  readonly #path: string;
  readonly #db: Db;
  readonly #runs: RunTable;
  readonly #rows: StoredRows;
  readonly #budget: Budget;
  readonly #budgetBytes: number;
  readonly #run: StoredRunRow;
  readonly #recent = new RecentRows();
  readonly #begin;
  readonly #commit;
  readonly #addDropped;
  readonly #readDropped;
  /** Until the first records of the run are committed, with which they become durable. */
  #forwarderChanges: ForwarderChanges | undefined;
  /** After a commit that failed: what was reserved before it. Memory is not to be believed until it was read again. */
  #reservedBefore: ReadonlyMap<string, Reservations> | undefined;
  /** Id of the newest record that the store committed before this run. */
  readonly previous: string | undefined;

  constructor({ path, gateway, forwarders, budgetBytes, salt }: StoreFileOptions) {
    this.#path = path;
    this.#budgetBytes = budgetBytes;
    this.#db = openForWriting({ path, walBytes: walBytesOf(budgetBytes) });
    try {
      const db = this.#db;
      this.#runs = new RunTable(db);
      this.#rows = new StoredRows(db);
      this.#budget = new Budget(db, path, budgetBytes, this.#rows, this.#runs);
      this.#begin = db.prepare('BEGIN IMMEDIATE');
      this.#commit = db.prepare('COMMIT');
      this.#addDropped = db.prepare(
        "INSERT INTO meta VALUES ('dropped', ?) ON CONFLICT (key) DO UPDATE SET value = value + excluded.value",
      );
      this.#readDropped = db.prepare("SELECT value FROM meta WHERE key = 'dropped'").pluck();
      const { lastRow } = this.#rows;
      if (lastRow > 0) {
        const newest = this.#runs.ofRow(lastRow);
        this.previous = recordIdOf(newest.run, lastRow - newest.firstRow + 1);
      }
      restoreForwarders(db, this.#rows);
      refuseOtherGateway(path, gateway, this.#rows, this.#runs);
      const [run, changes] = this.#transaction(() => {
        this.#runs.forget(forgettableRuns(this.#runs, lastRow, this.#rows.gone()));
        return [
          this.#runs.add(gateway, salt, lastRow + 1),
          configureForwarders(db, forwarders, gateway, this.#rows, this.#runs),
        ];
      });
      this.#run = run;
      this.#forwarderChanges = changes;
      listRun(path, run);
      syncFolder(dirname(path));
    } catch (error) {
      this.#db.close();
      throw error;
    }
  }

  /** Commits all of a group, or throws and has committed nothing of it. */
  commit(group: Group): GroupOutcome {
    this.#recover();
    const firstRow = this.#rows.lastRow + 1;
    const outcome = this.#transaction(() => this.#apply(group));
    if (hasRecords(group, outcome)) this.#forwarderChanges = undefined;
    if (this.#rows.lastRow >= firstRow) this.#recent.appended(firstRow, group.nowMs);
    return outcome;
  }

  take(forwarder: string, lane: Lane, { recordsMax, bytesMax }: TakeLimits, nowMs: number): PackedTaken | undefined {
    this.#recover();
    const cursor = this.#cursorOf(forwarder);
    const liveFrom = this.#recent.firstRow(nowMs) ?? this.#rows.lastRow + 1;
    const [from, to] = this.#rowsOfLane(lane, liveFrom);
    const countMax = Math.min(recordsMax, BOUNDS.recordsPerBatch);
    const ranges = cursor.next(lane === 'urgent', [from, to], (row) => this.#rangeOfRun(row), countMax);
    const firstRow = ranges[0]?.[0];
    if (firstRow === undefined) return undefined;
    const { firstRow: runStart, run, salt } = this.#runs.ofRow(firstRow);
    const { rows, missing, columns } = guarded(this.#path, () => this.#readRows(ranges, bytesMax));
    for (const range of [...rangesOf(rows), ...rangesOf(missing)]) cursor.depart(lane === 'urgent', range);
    const sequencesOfRun = (of: readonly number[]): number[] => of.map((row) => row - runStart + 1);
    return { run, salt, sequences: sequencesOfRun(rows), missing: sequencesOfRun(missing), ...joined(columns) };
  }

  release(forwarder: string, salt: Uint8Array, ranges: readonly Range[]): void {
    this.#recover();
    const cursor = this.#cursorOf(forwarder);
    for (const range of this.#rowsNamed(salt, ranges)) cursor.release(...range);
  }

  hold(forwarder: string, salt: Uint8Array, ranges: readonly Range[]): void {
    this.#recover();
    const cursor = this.#cursorOf(forwarder);
    for (const range of this.#rowsNamed(salt, ranges)) cursor.hold(...range);
  }

  stats(): StoreStats {
    this.#recover();
    return guarded(this.#path, () => ({
      records: this.#rows.count,
      bytes: this.#budget.bytes(),
      bytesMax: this.#budgetBytes,
      dropped: Number(this.#readDropped.get() ?? 0),
      forwarders: Object.fromEntries([...this.#rows.cursors].map(([name, cursor]) => [name, this.#statsOf(cursor)])),
    }));
  }

  close(): void {
    guarded(this.#path, () => this.#db.close());
  }

  #apply(group: Group): GroupOutcome {
    const { records, appends, settlements, label } = group;
    const gaps = new GapDeclaration();
    const settled = settlements.map((settlement) => this.#settle(settlement, gaps));
    const bytes = records.bodies.length + records.stations.reduce((sum, station) => sum + station.length, 0);
    // Until a forwarder that left has left durably it may come back to its rows: only what is appended needs their room.
    const mayMakeRoom = records.lengths.length > 0 || this.#forwarderChanges === undefined;
    const { hasRoom, dropped } = mayMakeRoom
      ? this.#budget.makeRoom(bytes, records.lengths.length, gaps)
      : { hasRoom: true, dropped: 0 };
    let firsts: number[] | undefined;
    if (hasRoom || records.lengths.length === 0) firsts = this.#append(records, appends);
    if (dropped > 0) this.#addDropped.run(dropped);
    const outcome = { firsts, settled, dropped };
    const events: Observation[] = [];
    if (this.#forwarderChanges !== undefined && hasRecords(group, outcome)) {
      confirmForwarders(this.#db, this.#forwarderChanges, this.#run.gateway, this.#runs, gaps);
      for (const name of this.#forwarderChanges.retired) events.push(retirement(name, label));
    }
    const declared = packed([...events, ...gaps.observations(label)]);
    this.#append(declared, [{ count: declared.lengths.length, urgent: true }]);
    return outcome;
  }

  #append(records: PackedRecords, appends: Group['appends']): number[] {
    let from = 0;
    let bodiesAt = 0;
    return appends.map(({ count, urgent }) => {
      const row = this.#rows.append(this.#run, records, { from, count, bodiesAt }, urgent);
      for (const end = from + count; from < end; from += 1) bodiesAt += records.lengths[from] as number;
      return row - this.#run.firstRow + 1;
    });
  }

  #settle({ forwarder, salt, ranges, waived }: Settlement, gaps: GapDeclaration): number {
    const cursor = this.#cursorOf(forwarder);
    const rows = this.#rowsNamed(salt, ranges);
    if (waived === undefined) return countOf(rows.flatMap((range) => cursor.settle(...range)));
    // What is lost is so for everybody, and said once.
    const cursors = waived.reason === 'lost' ? [...this.#rows.cursors.values()] : [cursor];
    const newly = new IntervalSet();
    for (const range of cursors.flatMap((each) => rows.flatMap((row) => each.waive(...row)))) newly.add(...range);
    const run = this.#runs.withSalt(salt);
    if (run !== undefined) {
      const told = waived.reason === 'rejected' ? this.#worthTelling(newly.ranges()) : newly.ranges();
      gaps.add({ salt: saltText(salt), ...waived }, sequencesOf(run, told));
    }
    return newly.count;
  }

  /** Rejected rows without gap records that were about rejected rows: that would go on for ever. */
  #worthTelling(rows: readonly Range[]): Range[] {
    const told: Range[] = [];
    for (const [first, last] of rows) {
      if (this.#rows.urgent.within(first, last).length === 0) told.push([first, last]);
      else {
        let row = first;
        for (const columns of this.#rows.read(first, last)) {
          if (columns === undefined || !isAboutRejection(columns)) told.push([row, row]);
          row += 1;
        }
      }
    }
    return told;
  }

  #readRows(ranges: readonly Range[], bytesMax: number): { rows: number[]; missing: number[]; columns: RowColumns[] } {
    const rows: number[] = [];
    const missing: number[] = [];
    const columns: RowColumns[] = [];
    let bytes = 0;
    for (const [first, last] of ranges) {
      let row = first;
      for (const record of this.#rows.read(first, last)) {
        if (record === undefined) missing.push(row);
        else {
          bytes += record[0].length + record[3].length;
          // One row is always given: it would never get away otherwise.
          if (bytes > bytesMax && rows.length > 0) return { rows, missing, columns };
          rows.push(row);
          columns.push(record);
        }
        row += 1;
      }
    }
    return { rows, missing, columns };
  }

  #rowsOfLane(lane: Lane, liveFrom: number): Range {
    if (lane === 'live') return [liveFrom, Number.MAX_SAFE_INTEGER];
    return [1, lane === 'urgent' ? Number.MAX_SAFE_INTEGER : liveFrom - 1];
  }

  #rangeOfRun(row: number): Range {
    const range = this.#runs.rowsOf(this.#runs.ofRow(row), this.#rows.lastRow);
    assert(range !== undefined, 'a run that has a row has a range of them');
    return range;
  }

  /** Sequences of a run → those of its rows that ever were. */
  #rowsNamed(salt: Uint8Array, ranges: readonly Range[]): Range[] {
    const run = this.#runs.withSalt(salt);
    const ever = run === undefined ? undefined : this.#runs.rowsOf(run, this.#rows.lastRow);
    if (run === undefined || ever === undefined) return [];
    return ranges
      .map(
        ([first, last]): Range => [
          Math.max(first + run.firstRow - 1, ever[0]),
          Math.min(last + run.firstRow - 1, ever[1]),
        ],
      )
      .filter(([first, last]) => first <= last);
  }

  #cursorOf(forwarder: string): Cursor {
    const cursor = this.#rows.cursors.get(forwarder);
    assert(cursor !== undefined, 'a forwarder of the configuration');
    return cursor;
  }

  #statsOf(cursor: Cursor): ForwarderStats {
    const oldest = cursor.pending.first;
    const oldestTimestampMs = oldest === undefined ? undefined : this.#rows.timestampOf(oldest);
    return { ...cursor.stats(), ...(oldestTimestampMs === undefined ? {} : { oldestTimestampMs }) };
  }

  /** All of `work` or nothing: when it fails, whatever is asked next begins with `#recover`. */
  #transaction<T>(work: () => T): T {
    const reserved = this.#rows.reservations();
    return guarded(this.#path, () => {
      try {
        this.#begin.run();
        const result = work();
        this.#commit.run();
        return result;
      } catch (error) {
        this.#reservedBefore = reserved;
        throw error;
      }
    });
  }

  /**
   * Undoes a commit that failed and reads memory again from the tables. A disk that could not write may not be able to read
   * either: until it can, nothing else is done.
   */
  #recover(): void {
    if (this.#reservedBefore === undefined) return;
    const reserved = this.#reservedBefore;
    guarded(this.#path, () => {
      if (this.#db.inTransaction) this.#db.exec('ROLLBACK');
      this.#rows.load(reserved);
    });
    this.#reservedBefore = undefined;
  }
}

function hasRecords({ appends }: Group, { firsts }: GroupOutcome): boolean {
  return appends.length > 0 && firsts !== undefined;
}

function isAboutRejection([, kind, , body]: RowColumns): boolean {
  return kind === KIND_GAP && infoOf(body)?.reason === 'rejected';
}

/** Rows' columns → the same, packed. */
function joined(columns: readonly RowColumns[]): PackedRecords {
  const lengths = columns.map(([, , , body]) => body.length);
  const bodies = new Uint8Array(lengths.reduce((sum, length) => sum + length, 0));
  let at = 0;
  for (const [, , , body] of columns) {
    bodies.set(body, at);
    at += body.length;
  }
  return {
    stations: columns.map(([station]) => station),
    kinds: columns.map(([, kind]) => kind),
    timestampsMs: columns.map(([, , timestampMs]) => timestampMs),
    lengths,
    bodies,
  };
}
