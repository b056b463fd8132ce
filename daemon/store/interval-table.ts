import { IntervalSet, type Range } from '../../protocol/intervals.ts';
import type { Db } from './connection.ts';

export type IntervalState = 'gone' | 'settled' | 'waived';

/** Forwarder number of what concerns the store as a whole. */
export const NO_FORWARDER = 0;

/**
 * A set of rows, in memory and in the table `intervals` alike. Changes are made inside the caller's transaction; when that
 * is rolled back, `load` again.
 */
export class IntervalTable {
  readonly #state: IntervalState;
  readonly #forwarder: number;
  readonly #select;
  readonly #delete;
  readonly #insert;
  #set = new IntervalSet();

  constructor(db: Db, state: IntervalState, forwarder: number) {
    this.#state = state;
    this.#forwarder = forwarder;
    const own = 'FROM intervals WHERE state = ? AND forwarder = ?';
    this.#select = db.prepare(`SELECT first, last ${own} ORDER BY first`).raw();
    this.#delete = db.prepare(`DELETE ${own} AND first BETWEEN ? AND ?`);
    this.#insert = db.prepare('INSERT INTO intervals (state, forwarder, first, last) VALUES (?, ?, ?, ?)');
    this.load();
  }

  get set(): IntervalSet {
    return this.#set;
  }

  load(): void {
    this.#set = new IntervalSet(this.#select.all(this.#state, this.#forwarder) as Range[]);
  }

  /** Returns how many rows are new in the set. */
  add(first: number, last: number): number {
    const added = this.#set.add(first, last);
    if (added === 0) return 0;
    // The range that it has become part of replaces every one that it touched.
    const merged = this.#set.rangeOf(first) as Range;
    this.#delete.run(this.#state, this.#forwarder, ...merged);
    this.#insert.run(this.#state, this.#forwarder, ...merged);
    return added;
  }
}
