import { type BitReader, unreadable } from './bit-reader.ts';
import { type BitWriter, countBits } from './bit-writer.ts';
import { planIntegers, readIntegers } from './integer-column.ts';

/** How a subset is written, in the order of its number on the wire. */
const NONE = 0;
const ALL = 1;
const BITMAP = 2;
const LISTED = 3;

/** Which of some rows are meant: nearly always none, all, every n-th, or all but a few. */
export function writeSubset(writer: BitWriter, rows: readonly boolean[]): void {
  if (rows.length === 1) {
    writer.flag(rows[0] === true);
    return;
  }
  let members = 0;
  for (const isMember of rows) if (isMember) members += 1;
  if (members === 0 || members === rows.length) {
    writer.bits(members === 0 ? NONE : ALL, 2);
    return;
  }
  const listsMembers = members * 2 <= rows.length;
  const listed: number[] = [];
  for (const [row, isMember] of rows.entries()) if (isMember === listsMembers) listed.push(row);
  const plan = planIntegers(listed);
  if (rows.length <= 1 + countBits(listed.length - 1) + plan.bits) {
    writer.bits(BITMAP, 2);
    for (const isMember of rows) writer.flag(isMember);
    return;
  }
  writer.bits(LISTED, 2);
  writer.flag(listsMembers);
  writer.count(listed.length - 1);
  plan.write(writer);
}

/**
 * The rows that are meant, of `count`, ascending. Takes no longer than they are many, or the bits that say so: a few bytes
 * must not cost what a thousand rows cost.
 */
export function readSubset(reader: BitReader, count: number): number[] {
  if (count === 1) return reader.flag() ? [0] : [];
  const form = reader.bits(2);
  if (form === NONE) return [];
  if (form === ALL) return Array.from({ length: count }, (_, row) => row);
  if (form === BITMAP) return readBitmap(reader, count);
  const listsMembers = reader.flag();
  const listed = reader.count() + 1;
  if (listed > (listsMembers ? count : count / 2)) throw unreadable('more rows than may be listed');
  const rows = [...readIntegers(reader, listed)];
  requireAscending(rows, count);
  return listsMembers ? rows : othersOf(rows, count);
}

function readBitmap(reader: BitReader, count: number): number[] {
  const rows: number[] = [];
  for (let row = 0; row < count; row += 1) if (reader.flag()) rows.push(row);
  return rows;
}

function requireAscending(rows: readonly number[], count: number): void {
  let last = -1;
  for (const row of rows) {
    if (!(row > last && row < count)) throw unreadable('a row that there is not, or not there');
    last = row;
  }
}

function othersOf(listed: readonly number[], count: number): number[] {
  const others: number[] = [];
  let next = 0;
  for (const row of [...listed, count]) {
    while (next < row) others.push(next++);
    next = row + 1;
  }
  return others;
}
