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

/** Which of `count` rows are meant. */
export function readSubset(reader: BitReader, count: number): boolean[] {
  if (count === 1) return [reader.flag()];
  const form = reader.bits(2);
  if (form === NONE || form === ALL) return new Array<boolean>(count).fill(form === ALL);
  if (form === BITMAP) return Array.from({ length: count }, () => reader.flag());
  const listsMembers = reader.flag();
  const listed = reader.count() + 1;
  if (listed > count) throw unreadable('more rows than there are');
  const rows = new Array<boolean>(count).fill(!listsMembers);
  for (const row of readIntegers(reader, listed)) {
    if (!(row >= 0 && row < count)) throw unreadable('a row that there is not');
    rows[row] = listsMembers;
  }
  return rows;
}
