import { type BitReader, unreadable, unzigzag } from './bit-reader.ts';
import { type BitWriter, bitLength, numberBits, signedBits, WIDTH_MAX, zigzag } from './bit-writer.ts';

/** Largest magnitude in a column: the folded difference of two differences still is exact in a double. */
export const COLUMN_INTEGER_MAX = 2 ** 50 - 1;

/** How residuals are written, in the order of their number on the wire. */
const CONSTANT = 0;
const PACKED = 1;
const CENTRED = 2;
const ABOVE = 3;

/** Stands for a quotient that is this or more: the residual follows in full, so that one far value costs one value. */
const ESCAPE = 16;

/** The cheapest way to write some residuals against one reference. */
interface Packing {
  readonly mode: number;
  readonly reference: number;
  /** Bits a residual where PACKED, the Rice parameter where CENTRED or ABOVE. */
  readonly width: number;
  /** What all of it takes. */
  readonly bits: number;
}

/** How a column is to be written, and what that takes. */
export interface ColumnPlan {
  readonly bits: number;
  readonly write: (writer: BitWriter) => void;
}

/**
 * Whole numbers, at most `COLUMN_INTEGER_MAX` in magnitude, each in as few bits as is simple: against a frame of
 * reference, on values or on differences, whichever is smaller. Residuals have one width (Goldstein et al., 1998) or
 * are Rice coded (Rice, 1971): a bell-shaped sample has far ends, and a fixed width pays for them in every value.
 */
export function planIntegers(values: ArrayLike<number>): ColumnPlan {
  const count = values.length;
  if (count === 0) return { bits: 0, write: () => undefined };
  const first = values[0] as number;
  if (count === 1) return { bits: signedBits(first), write: (writer) => writer.signed(first) };
  const differences = new Float64Array(count - 1);
  for (let index = 1; index < count; index += 1) {
    differences[index - 1] = (values[index] as number) - (values[index - 1] as number);
  }
  const onValues = cheapestPacking(values);
  const onDifferences = cheapestPacking(differences);
  const differencesBits = onDifferences.bits + signedBits(first);
  if (onValues.bits <= differencesBits) {
    return { bits: 1 + onValues.bits, write: (writer) => writeColumn(writer, onValues, values, undefined) };
  }
  return { bits: 1 + differencesBits, write: (writer) => writeColumn(writer, onDifferences, differences, first) };
}

/** Reads `count` numbers. */
export function readIntegers(reader: BitReader, count: number): Float64Array {
  const values = new Float64Array(count);
  if (count === 0) return values;
  if (count === 1) {
    values[0] = reader.signed();
  } else if (reader.flag()) {
    values[0] = reader.signed();
    readResiduals(reader, values, 1);
    for (let index = 1; index < count; index += 1) {
      values[index] = (values[index - 1] as number) + (values[index] as number);
    }
  } else {
    readResiduals(reader, values, 0);
  }
  for (let index = 0; index < count; index += 1) {
    if (!(Math.abs(values[index] as number) <= COLUMN_INTEGER_MAX)) throw unreadable('a number beyond a column');
  }
  return values;
}

function cheapestPacking(values: ArrayLike<number>): Packing {
  const count = values.length;
  const sorted = new Float64Array(values).sort();
  const least = sorted[0] as number;
  const most = sorted[count - 1] as number;
  if (least === most) return { mode: CONSTANT, reference: least, width: 0, bits: 2 + signedBits(least) };

  const packedWidth = bitLength(most - least);
  const packed = 8 + signedBits(least) + packedWidth * count;
  let best: Packing = { mode: PACKED, reference: least, width: packedWidth, bits: packed };

  const residuals = new Float64Array(count);
  const consider = (mode: number, reference: number): void => {
    const { width, bits } = cheapestRice(residuals);
    const total = 8 + signedBits(reference) + bits;
    if (total < best.bits) best = { mode, reference, width, bits: total };
  };
  const median = sorted[count >>> 1] as number;
  for (let index = 0; index < count; index += 1) residuals[index] = zigzag((values[index] as number) - median);
  consider(CENTRED, median);
  for (let index = 0; index < count; index += 1) residuals[index] = (values[index] as number) - least;
  consider(ABOVE, least);
  return best;
}

/**
 * The Rice parameter for numbers from 0, and what they take with it. It is near log2(mean · ln 2) where they are
 * distributed geometrically, and less where a few are far off: from there it goes down as long as that pays.
 */
function cheapestRice(residuals: Float64Array): { width: number; bits: number } {
  let sum = 0;
  for (const residual of residuals) sum += residual;
  const guess = Math.floor(Math.log2(Math.max(1, (sum / residuals.length) * Math.LN2)));
  let best = { width: 0, bits: Number.POSITIVE_INFINITY };
  for (let width = Math.min(guess + 1, WIDTH_MAX); width >= 0; width -= 1) {
    const bits = riceBits(residuals, width);
    if (bits > best.bits) break;
    best = { width, bits };
  }
  return best;
}

function riceBits(residuals: Float64Array, width: number): number {
  const scale = 2 ** -width;
  let bits = residuals.length * (width + 1);
  for (const residual of residuals) {
    const quotient = Math.floor(residual * scale);
    bits += quotient < ESCAPE ? quotient : ESCAPE - width + numberBits(residual);
  }
  return bits;
}

function writeColumn(writer: BitWriter, packing: Packing, values: ArrayLike<number>, first: number | undefined): void {
  const { mode, reference, width } = packing;
  writer.flag(first !== undefined);
  if (first !== undefined) writer.signed(first);
  writer.bits(mode, 2);
  writer.signed(reference);
  if (mode === CONSTANT) return;
  writer.bits(width, 6);
  const unit = 2 ** width;
  for (let index = 0; index < values.length; index += 1) {
    const residual = (values[index] as number) - reference;
    if (mode === PACKED) {
      writer.bits(residual, width);
      continue;
    }
    const folded = mode === CENTRED ? zigzag(residual) : residual;
    const quotient = Math.floor(folded / unit);
    writer.unary(Math.min(quotient, ESCAPE));
    if (quotient < ESCAPE) writer.bits(folded - quotient * unit, width);
    else writer.number(folded);
  }
}

/** Fills `values` from `from` with what `writeColumn` wrote after its first value. */
function readResiduals(reader: BitReader, values: Float64Array, from: number): void {
  const mode = reader.bits(2);
  const reference = reader.signed();
  if (mode === CONSTANT) {
    values.fill(reference, from);
    return;
  }
  const width = reader.bits(6);
  if (width > WIDTH_MAX) throw unreadable('a column of more than 53 bits a value');
  const unit = 2 ** width;
  for (let index = from; index < values.length; index += 1) {
    if (mode === PACKED) {
      values[index] = reference + reader.bits(width);
      continue;
    }
    const quotient = reader.unary(ESCAPE);
    const folded = quotient < ESCAPE ? quotient * unit + reader.bits(width) : reader.number();
    values[index] = reference + (mode === CENTRED ? unzigzag(folded) : folded);
  }
}
