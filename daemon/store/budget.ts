import { statSync } from 'node:fs';
import type { Range } from '../../protocol/intervals.ts';
import type { Db } from './connection.ts';
import type { GapDeclaration } from './gap.ts';
import { KIND_GAP } from './packing.ts';
import { subtract } from './range-lists.ts';
import { type RunTable, saltText, sequencesOf } from './run-table.ts';
import { PAGE_BYTES } from './schema.ts';
import type { StoredRows } from './stored-rows.ts';

/** At least this part of the budget is freed at a time. */
const BLOCK_PART = 1 / 100;
const BLOCK_ROWS = 128;
const WAL_PART = 1 / 16;
const WAL_BYTES_MIN = 64 * 1024;
const WAL_BYTES_MAX = 4 * 2 ** 20;
/** What a row takes beside station and body: numbers, header, its share of the tree. */
const ROW_BYTES = 40;
/** Rows a little longer than half a page leave nearly the other half empty. */
const FILL = 2;
/** For intervals, gap records and dictionary pages, which grow with what happens and not with records. */
const SPARE_BYTES = 8 * 1024;

export interface Room {
  readonly hasRoom: boolean;
  /** Rows that went although a forwarder had not settled them, be it in vain. */
  readonly dropped: number;
}

/** At what size the write-ahead log is copied into the database, in bytes. */
export function walBytesOf(budgetBytes: number): number {
  return Math.floor(Math.min(WAL_BYTES_MAX, Math.max(WAL_BYTES_MIN, budgetBytes * WAL_PART)));
}

/** How much a group of records may take, in bytes of bodies, so that one commit cannot outgrow what the log may have. */
export function groupBytesOf(budgetBytes: number): number {
  return walBytesOf(budgetBytes) / 4;
}

/**
 * Keeps database and write-ahead log together within a number of bytes. What every forwarder has settled goes first, then
 * samples, then alarms, events and gaps, each oldest first; what is in flight stays.
 */
export class Budget {
  readonly #path: string;
  readonly #budgetBytes: number;
  readonly #blockBytes: number;
  readonly #rows: StoredRows;
  readonly #runs: RunTable;
  readonly #pages;
  readonly #freePages;

  constructor(db: Db, path: string, budgetBytes: number, rows: StoredRows, runs: RunTable) {
    this.#path = path;
    this.#budgetBytes = budgetBytes;
    this.#blockBytes = budgetBytes * BLOCK_PART;
    this.#rows = rows;
    this.#runs = runs;
    this.#pages = db.prepare('PRAGMA page_count').pluck();
    this.#freePages = db.prepare('PRAGMA freelist_count').pluck();
  }

  /** Bytes of the two files. */
  bytes(): number {
    return this.#pageCount() * PAGE_BYTES + this.#walBytes();
  }

  /**
   * Makes room for records of so many bytes, inside the caller's transaction. Adds to `gaps` what goes although a forwarder
   * has not settled it. Returns how many such rows went, and whether there is room now.
   *
   * Where the budget was lowered much has to go: a step each time, as a single one would write all of it to the log. Until
   * then records go into pages that were freed, and the file grows no more.
   */
  makeRoom(recordBytes: number, recordCount: number, gaps: GapDeclaration): Room {
    const neededBytes = (recordBytes + recordCount * ROW_BYTES) * FILL + SPARE_BYTES;
    const stepBytes = Math.max(walBytesOf(this.#budgetBytes), 2 * this.#blockBytes);
    const limitBytes = Math.max(this.#limitBytes(neededBytes), this.#usedBytes() - stepBytes);
    const hasRoom = (): boolean => this.#usedBytes() + neededBytes <= limitBytes;
    if (hasRoom()) return { hasRoom: true, dropped: 0 };
    const targetBytes = limitBytes - neededBytes - this.#blockBytes;
    const { free, samples, urgent } = this.#candidates();
    let dropped = 0;
    for (const [isFree, ranges] of [
      [true, free],
      [false, samples],
      [false, urgent],
    ] as const) {
      for (const range of chunks(ranges)) {
        if (!isFree) dropped += this.#declare(range, gaps);
        this.#rows.remove(...range);
        if (this.#usedBytes() <= targetBytes) break;
      }
      // A whole block is freed at a time, but nothing more precious is touched only to make it whole.
      if (hasRoom()) return { hasRoom: true, dropped };
    }
    return { hasRoom: false, dropped };
  }

  #candidates(): { free: Range[]; samples: Range[]; urgent: Range[] } {
    const unsettled = this.#rows.unsettled();
    const free = subtract(this.#rows.present(), unsettled);
    let idle = unsettled;
    for (const cursor of this.#rows.cursors.values()) idle = subtract(idle, cursor.inFlight.ranges());
    const samples = subtract(idle, this.#rows.urgent.ranges());
    return { free, samples, urgent: subtract(idle, samples) };
  }

  /** Says which sequences go, and returns how many; where a gap record goes itself, also all that it has said. */
  #declare([first, last]: Range, gaps: GapDeclaration): number {
    if (this.#rows.urgent.within(first, last).length > 0) {
      for (const columns of this.#rows.read(first, last)) {
        if (columns?.[1] === KIND_GAP) gaps.adopt(columns[3]);
      }
    }
    for (const [run, rows] of this.#runs.divided([[first, last]])) {
      gaps.add({ salt: saltText(run.salt), reason: 'dropped' }, sequencesOf(run, [rows]));
    }
    return last - first + 1;
  }

  #usedBytes(): number {
    return (this.#pageCount() - Number(this.#freePages.get())) * PAGE_BYTES;
  }

  /**
   * Bytes that the database may have. The log is copied once a commit has made it long enough, so that it may exceed by
   * what one commit writes: the records, or the pages of a deleted block. A reader that stands still keeps the log from
   * being reset: that counts too.
   */
  #limitBytes(neededBytes: number): number {
    const walBytes = walBytesOf(this.#budgetBytes);
    const reserve = walBytes + Math.max(walBytes, neededBytes, 2 * this.#blockBytes);
    return this.#budgetBytes - Math.max(reserve, this.#walBytes());
  }

  #pageCount(): number {
    return Number(this.#pages.get());
  }

  #walBytes(): number {
    return statSync(`${this.#path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  }
}

function* chunks(ranges: readonly Range[]): Generator<Range> {
  for (const [first, last] of ranges) {
    for (let from = first; from <= last; from += BLOCK_ROWS) yield [from, Math.min(last, from + BLOCK_ROWS - 1)];
  }
}
