import assert from 'node:assert/strict';
import { type RunId, runIdOf } from '../../protocol/ids.ts';
import type { Range } from '../../protocol/intervals.ts';
import type { Db } from './connection.ts';
import { shifted } from './range-lists.ts';

export interface StoredRunRow {
  /** Stands for the run in `records` and in the list of runs beside the store. */
  readonly number: number;
  readonly gateway: string;
  readonly salt: Uint8Array;
  readonly run: RunId;
  /** Row that the run's first record has, or would have had: sequence s is row `firstRow + s - 1`. */
  readonly firstRow: number;
}

/**
 * The runs of a store, oldest first. Rows count up through all runs without a gap, so a run is one range of rows, and
 * everything else reckons in rows.
 */
export class RunTable {
  readonly #db: Db;
  #runs: StoredRunRow[] = [];
  /** Where in `#runs` each is, by number. */
  readonly #places = new Map<number, number>();
  readonly #bySalt = new Map<string, StoredRunRow>();

  constructor(db: Db) {
    this.#db = db;
    const rows = db.prepare('SELECT run, gateway, salt, first_row FROM runs ORDER BY run').raw().all();
    for (const row of rows as [number, string, Uint8Array, number][]) this.#remember(...row);
  }

  get all(): readonly StoredRunRow[] {
    return this.#runs;
  }

  /** Adds the newest run, inside the caller's transaction. */
  add(gateway: string, salt: Uint8Array, firstRow: number): StoredRunRow {
    const number = (this.#runs.at(-1)?.number ?? 0) + 1;
    this.#db
      .prepare('INSERT INTO runs (run, gateway, salt, first_row) VALUES (?, ?, ?, ?)')
      .run(number, gateway, Buffer.from(salt), firstRow);
    return this.#remember(number, gateway, salt, firstRow);
  }

  /** Removes runs, inside the caller's transaction. */
  forget(runs: readonly StoredRunRow[]): void {
    const remove = this.#db.prepare('DELETE FROM runs WHERE run = ?');
    for (const { number, salt } of runs) {
      remove.run(number);
      this.#bySalt.delete(saltText(salt));
    }
    const forgotten = new Set(runs);
    this.#runs = this.#runs.filter((run) => !forgotten.has(run));
    this.#places.clear();
    for (const [place, { number }] of this.#runs.entries()) this.#places.set(number, place);
  }

  withSalt(salt: Uint8Array): StoredRunRow | undefined {
    return this.#bySalt.get(saltText(salt));
  }

  /** The run that a row belongs to. */
  ofRow(row: number): StoredRunRow {
    const run = this.#runs[this.#indexOf(row)];
    assert(run !== undefined, 'every row is of a run');
    return run;
  }

  /** Ranges of rows, divided where a run ends; without what was of runs that are forgotten. */
  *divided(ranges: readonly Range[]): Generator<[StoredRunRow, Range], void> {
    const oldest = this.#runs[0]?.firstRow ?? Number.POSITIVE_INFINITY;
    for (const [first, last] of ranges) {
      for (let from = Math.max(first, oldest); from <= last; ) {
        const index = this.#indexOf(from);
        const to = Math.min(last, (this.#runs[index + 1]?.firstRow ?? Number.POSITIVE_INFINITY) - 1);
        yield [this.#runs[index] as StoredRunRow, [from, to]];
        from = to + 1;
      }
    }
  }

  #indexOf(row: number): number {
    let low = 0;
    let high = this.#runs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#runs[middle] as StoredRunRow).firstRow <= row) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** The rows that a run ever had, where `lastRow` is the newest of the store; undefined when it has none. */
  rowsOf({ number, firstRow }: StoredRunRow, lastRow: number): Range | undefined {
    const next = this.#runs[(this.#places.get(number) as number) + 1];
    const last = next === undefined ? lastRow : next.firstRow - 1;
    return last < firstRow ? undefined : [firstRow, last];
  }

  #remember(number: number, gateway: string, salt: Uint8Array, firstRow: number): StoredRunRow {
    const run: StoredRunRow = { number, gateway, salt: new Uint8Array(salt), run: runIdOf(gateway, salt), firstRow };
    this.#places.set(number, this.#runs.push(run) - 1);
    this.#bySalt.set(saltText(salt), run);
    return run;
  }
}

export function saltText(salt: Uint8Array): string {
  return Buffer.from(salt.buffer, salt.byteOffset, salt.byteLength).toString('hex');
}

/** Rows of a run → its sequences. */
export function sequencesOf({ firstRow }: StoredRunRow, rows: readonly Range[]): Range[] {
  return shifted(rows, 1 - firstRow);
}
