import { IntervalSet, type Range } from '../../protocol/intervals.ts';
import { BOUNDS } from '../../protocol/record.ts';
import type { Db } from './connection.ts';
import { IntervalTable } from './interval-table.ts';
import { intersect, subtract } from './range-lists.ts';
import type { ForwarderStats } from './store.ts';

/** Rows that are not to be taken now. */
export interface Reservations {
  readonly inFlight: readonly Range[];
  readonly held: readonly Range[];
}

/**
 * One forwarder's view of the rows. What it has settled is durable; what is in flight or held is not, so that a restart
 * sends those rows again. Every unsettled row is in exactly one of: available, in flight, held.
 */
export class Cursor {
  readonly name: string;
  readonly number: number;
  readonly #settled: IntervalTable;
  readonly #waived: IntervalTable;
  /** Of the store: the rows that go by the urgent lane. */
  readonly #urgentRows: IntervalSet;
  #pending = new IntervalSet();
  #urgent = new IntervalSet();
  #samples = new IntervalSet();
  #inFlight = new IntervalSet();
  #held = new IntervalSet();

  constructor(db: Db, name: string, number: number, urgentRows: IntervalSet) {
    this.name = name;
    this.number = number;
    this.#settled = new IntervalTable(db, 'settled', number);
    this.#waived = new IntervalTable(db, 'waived', number);
    this.#urgentRows = urgentRows;
  }

  /** Rows that are there and not settled. */
  get pending(): IntervalSet {
    return this.#pending;
  }

  get inFlight(): IntervalSet {
    return this.#inFlight;
  }

  reservations(): Reservations {
    return { inFlight: this.#inFlight.ranges(), held: this.#held.ranges() };
  }

  /** The part of `rows` that this forwarder has not settled. */
  unsettledOf(rows: readonly Range[]): Range[] {
    return subtract(rows, this.#settled.set.ranges());
  }

  /** Reads again what the tables say. */
  load(present: readonly Range[], { inFlight, held }: Reservations = { inFlight: [], held: [] }): void {
    this.#settled.load();
    this.#waived.load();
    const pending = subtract(present, this.#settled.set.ranges());
    this.#inFlight = new IntervalSet(intersect(inFlight, pending));
    this.#held = new IntervalSet(intersect(held, pending));
    this.#pending = new IntervalSet(pending);
    const available = subtract(subtract(pending, this.#inFlight.ranges()), this.#held.ranges());
    this.#samples = new IntervalSet(subtract(available, this.#urgentRows.ranges()));
    this.#urgent = new IntervalSet(subtract(available, this.#samples.ranges()));
  }

  /** Takes up rows that were appended, whose urgency the store already knows. */
  appended(first: number, last: number): void {
    this.#pending.add(first, last);
    this.#makeAvailable(first, last);
  }

  /** The next rows of the urgent lane, or of the samples, within `from..to`: at most what goes into one batch. */
  next(isUrgent: boolean, [from, to]: Range, runOf: (row: number) => Range, countMax: number): Range[] {
    const found: Range[] = [];
    let count = 0;
    let end = to;
    for (const [first, last] of (isUrgent ? this.#urgent : this.#samples).rangesFrom(from)) {
      if (found.length === 0 && first <= to) end = Math.min(to, runOf(first)[1]);
      if (first > end || count >= countMax || found.length === BOUNDS.rangesPerBatch) break;
      const cut = Math.min(last, end, first + countMax - count - 1);
      found.push([first, cut]);
      count += cut - first + 1;
    }
    return found;
  }

  /** Rows that `next` gave become in flight. */
  depart(isUrgent: boolean, [first, last]: Range): void {
    (isUrgent ? this.#urgent : this.#samples).remove(first, last);
    this.#inFlight.add(first, last);
  }

  release(first: number, last: number): void {
    for (const set of [this.#inFlight, this.#held]) {
      for (const [from, to] of set.within(first, last)) {
        set.remove(from, to);
        this.#makeAvailable(from, to);
      }
    }
  }

  hold(first: number, last: number): void {
    for (const [from, to] of this.#pending.within(first, last)) {
      this.#leave(from, to);
      this.#held.add(from, to);
    }
  }

  /** Returns which rows were pending until now. */
  settle(first: number, last: number): Range[] {
    const newly = this.#pending.within(first, last);
    for (const [from, to] of newly) {
      this.#settled.add(from, to);
      this.forget(from, to);
    }
    return newly;
  }

  /** Settles rows that the centre does not have. */
  waive(first: number, last: number): Range[] {
    const newly = this.settle(first, last);
    for (const [from, to] of newly) this.#waived.add(from, to);
    return newly;
  }

  /** Rows that are no longer there will never be had, and have been declared. */
  skip(rows: readonly Range[]): void {
    for (const range of rows) {
      this.#settled.add(...range);
      this.#waived.add(...range);
    }
  }

  /** The rows are no longer there. */
  forget(first: number, last: number): void {
    this.#pending.remove(first, last);
    this.#leave(first, last);
  }

  stats(): Pick<ForwarderStats, 'pending' | 'inFlight' | 'held'> {
    return { pending: this.#pending.count, inFlight: this.#inFlight.count, held: this.#held.count };
  }

  #leave(first: number, last: number): void {
    for (const set of [this.#urgent, this.#samples, this.#inFlight, this.#held]) set.remove(first, last);
  }

  #makeAvailable(first: number, last: number): void {
    for (const range of this.#urgentRows.within(first, last)) this.#urgent.add(...range);
    for (const range of this.#urgentRows.missing(first, last)) this.#samples.add(...range);
  }
}
