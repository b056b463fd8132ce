import { ProtocolError } from '../errors.ts';
import type { Range } from '../intervals.ts';
import { BOUNDS } from '../record.ts';
import { type BitReader, unreadable } from './bit-reader.ts';
import type { BitWriter } from './bit-writer.ts';

/** Tells whether these are ascending, disjoint ranges of sequence numbers, and no more than travel together. */
export function areRanges(ranges: readonly unknown[]): ranges is readonly Range[] {
  if (ranges.length === 0 || ranges.length > BOUNDS.rangesPerAck) return false;
  let last = 0;
  for (const range of ranges) {
    if (!Array.isArray(range) || range.length !== 2) return false;
    const [from, to] = range as readonly unknown[];
    if (!Number.isInteger(from) || !Number.isInteger(to)) return false;
    if (!((from as number) > last && (to as number) >= (from as number))) return false;
    last = to as number;
  }
  return last <= BOUNDS.sequenceMax;
}

/** Ranges as the distance of each from the one before, and its length. `areRanges` holds. */
export function writeRanges(writer: BitWriter, ranges: readonly Range[]): void {
  writer.count(ranges.length - 1);
  let last = 0;
  for (const [from, to] of ranges) {
    writer.number(from - last - 1);
    writer.number(to - from);
    last = to;
  }
}

/** Reads at least one range. Throws `BOUNDS` where there are more than `rangesMax`. */
export function readRanges(reader: BitReader, rangesMax: number): [number, number][] {
  const count = reader.count() + 1;
  if (count > rangesMax) throw new ProtocolError('BOUNDS', `more than ${rangesMax} ranges`);
  const ranges: [number, number][] = [];
  let last = 0;
  for (let index = 0; index < count; index += 1) {
    const from = last + 1 + reader.number();
    last = from + reader.number();
    if (last > BOUNDS.sequenceMax) throw unreadable('a sequence of more than 48 bits');
    ranges.push([from, last]);
  }
  return ranges;
}
