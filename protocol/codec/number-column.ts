import { ProtocolError } from '../errors.ts';
import type { BitReader } from './bit-reader.ts';
import type { BitWriter } from './bit-writer.ts';
import { COLUMN_INTEGER_MAX, planIntegers, readIntegers } from './integer-column.ts';

/** Most decimals that are written as a scaled integer. Every power of ten up to it is exact in a double. */
const DECIMALS_MAX = 14;
/** Stands where the decimals would: the values are float64. */
const FLOAT64 = 15;
const SCALE_BITS = 4;
/** Longest a double is as JSON (ECMA-262, Number::toString): `-0.0000012345678901234567`. */
const FLOAT64_JSON_BYTES = 25;

const POWERS_OF_TEN: readonly number[] = Array.from({ length: DECIMALS_MAX + 1 }, (_, power) => 10 ** power);

/**
 * Writes numbers that are finite and not -0, bit for bit: as integers at the fewest decimals that give every one of
 * them back exactly, or as they are. Returns the most bytes that one of them takes as JSON.
 */
export function writeNumbers(writer: BitWriter, values: readonly number[]): number {
  const decimals = decimalsOf(values);
  const scaled = decimals === undefined ? undefined : scaledBy(values, decimals);
  if (decimals === undefined || scaled === undefined) {
    writer.bits(FLOAT64, SCALE_BITS);
    for (const value of values) writer.float64(value);
    return FLOAT64_JSON_BYTES;
  }
  writer.bits(decimals, SCALE_BITS);
  planIntegers(scaled).write(writer);
  return jsonBytesOf(scaled, decimals);
}

/** Reads `count` numbers, which are finite and not -0, and the most bytes that one of them takes as JSON. */
export function readNumbers(reader: BitReader, count: number): { values: Float64Array; jsonBytes: number } {
  const decimals = reader.bits(SCALE_BITS);
  if (decimals === FLOAT64) {
    const values = new Float64Array(count);
    for (let index = 0; index < count; index += 1) values[index] = requireNumber(reader.float64());
    return { values, jsonBytes: FLOAT64_JSON_BYTES };
  }
  const values = readIntegers(reader, count);
  const jsonBytes = jsonBytesOf(values, decimals);
  if (decimals > 0) {
    const unit = POWERS_OF_TEN[decimals] as number;
    for (let index = 0; index < count; index += 1) values[index] = (values[index] as number) / unit;
  }
  return { values, jsonBytes };
}

/** Throws `INVALID` for what no record holds: NaN, an infinity, -0. */
export function requireNumber(value: number): number {
  if (!Number.isFinite(value) || Object.is(value, -0)) {
    throw new ProtocolError('INVALID', 'a number is not finite, or is -0');
  }
  return value;
}

/** The fewest decimals that give every value back, as far as each alone can tell; undefined where there are none. */
function decimalsOf(values: readonly number[]): number | undefined {
  let decimals = 0;
  for (const value of values) {
    for (;;) {
      const unit = POWERS_OF_TEN[decimals] as number;
      if (Math.round(value * unit) / unit === value) break;
      decimals += 1;
      if (decimals > DECIMALS_MAX) return undefined;
    }
  }
  return decimals;
}

/** The values as integers, or undefined where one does not survive it. */
function scaledBy(values: readonly number[], decimals: number): Float64Array | undefined {
  const unit = POWERS_OF_TEN[decimals] as number;
  const scaled = new Float64Array(values.length);
  for (const [index, value] of values.entries()) {
    const integer = Math.round(value * unit);
    if (Math.abs(integer) > COLUMN_INTEGER_MAX || integer / unit !== value) return undefined;
    scaled[index] = integer;
  }
  return scaled;
}

/** The widest of scaled integers as a decimal number: its digits, at least one of them before the point. */
function jsonBytesOf(scaled: Float64Array, decimals: number): number {
  let least = 0;
  let most = 0;
  for (const value of scaled) {
    if (value < least) least = value;
    if (value > most) most = value;
  }
  let digits = decimals + 1;
  for (let bound = 10 ** digits; Math.max(-least, most) >= bound; bound *= 10) digits += 1;
  return digits + (decimals > 0 ? 1 : 0) + (least < 0 ? 1 : 0);
}
