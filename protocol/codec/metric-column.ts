import { ProtocolError } from '../errors.ts';
import { BOUNDS, type Flag, type MetricValue } from '../record.ts';
import { type BitReader, unreadable } from './bit-reader.ts';
import type { BitWriter } from './bit-writer.ts';
import type { MetricEntry } from './dictionary.ts';
import { planIntegers, readIntegers } from './integer-column.ts';
import { BOOLEAN_JSON_BYTES, FLAG_JSON_BYTES, type JsonMeter, KEY_JSON_BYTES, textJsonBytes } from './json-meter.ts';
import { readNumbers, writeNumbers } from './number-column.ts';
import { readSubset, writeSubset } from './subset.ts';
import { readText, writeText } from './text.ts';

/** Flags in the order of their number on the wire. Pass is what is not flagged. */
const CODED_FLAGS: readonly Flag[] = [2, 3, 4, 9];

/** One metric of one station: a value and a flag, or neither, for each of its records. */
export interface MetricColumn {
  readonly metric: MetricEntry;
  readonly values: (MetricValue | undefined)[];
  readonly flags: (Flag | undefined)[];
}

export function writeMetricColumn(writer: BitWriter, meter: JsonMeter, { metric, values, flags }: MetricColumn): void {
  writeSubset(
    writer,
    values.map((value) => value !== undefined),
  );
  const present = values.filter((value) => value !== undefined);
  meter.add(present.length * (metric.name.length + KEY_JSON_BYTES));
  if (present.length > 0) writeValues(writer, meter, metric, present);
  writeSubset(
    writer,
    flags.map((flag) => flag !== undefined),
  );
  const codes = flags.filter((flag) => flag !== undefined).map((flag) => CODED_FLAGS.indexOf(flag));
  meter.add(codes.length * (metric.name.length + FLAG_JSON_BYTES));
  planIntegers(codes).write(writer);
}

/** What a column holds, and in which rows. */
export interface MetricCells {
  readonly valueRows: readonly number[];
  readonly values: ArrayLike<MetricValue>;
  readonly flagRows: readonly number[];
  readonly flags: readonly Flag[];
}

/**
 * Reads one metric's values and flags for `count` records. Throws `UNREADABLE` where there are none: columns of nothing
 * would take no room in a batch, and time to read.
 */
export function readMetricColumn(reader: BitReader, meter: JsonMeter, metric: MetricEntry, count: number): MetricCells {
  const valueRows = readSubset(reader, count);
  meter.add(valueRows.length * (metric.name.length + KEY_JSON_BYTES));
  const values = valueRows.length === 0 ? [] : readValues(reader, meter, metric, valueRows.length);
  const flagRows = readSubset(reader, count);
  meter.add(flagRows.length * (metric.name.length + FLAG_JSON_BYTES));
  const flags = Array.from(readIntegers(reader, flagRows.length), flagOf);
  if (valueRows.length + flagRows.length === 0) throw unreadable('a metric without a value or a flag');
  return { valueRows, values, flagRows, flags };
}

function writeValues(writer: BitWriter, meter: JsonMeter, { type }: MetricEntry, values: readonly MetricValue[]): void {
  if (type === 'number') {
    meter.add(values.length * writeNumbers(writer, values as readonly number[]));
  } else if (type === 'boolean') {
    meter.add(values.length * BOOLEAN_JSON_BYTES);
    writeSubset(writer, values as readonly boolean[]);
  } else {
    writeTexts(writer, meter, values as readonly string[]);
  }
}

function readValues(reader: BitReader, meter: JsonMeter, { type }: MetricEntry, count: number): ArrayLike<MetricValue> {
  if (type === 'number') {
    const { values, jsonBytes } = readNumbers(reader, count);
    meter.add(count * jsonBytes);
    return values;
  }
  if (type === 'text') return readTexts(reader, meter, count);
  meter.add(count * BOOLEAN_JSON_BYTES);
  const values = new Array<boolean>(count).fill(false);
  for (const row of readSubset(reader, count)) values[row] = true;
  return values;
}

/** Each text once, then which of them each value is. */
function writeTexts(writer: BitWriter, meter: JsonMeter, values: readonly string[]): void {
  const numbers = new Map<string, number>();
  const column = values.map((text) => {
    const number = numbers.get(text) ?? numbers.size;
    numbers.set(text, number);
    return number;
  });
  const texts = [...numbers.keys()];
  writer.count(texts.length - 1);
  for (const text of texts) writeText(writer, text);
  if (texts.length > 1) planIntegers(column).write(writer);
  const jsonBytes = texts.map(textJsonBytes);
  for (const number of column) meter.add(jsonBytes[number] as number);
}

function readTexts(reader: BitReader, meter: JsonMeter, count: number): string[] {
  const distinct = reader.count() + 1;
  if (distinct > count) throw unreadable('more texts than values');
  const texts = Array.from({ length: distinct }, () => readText(reader, BOUNDS.textBytes));
  const jsonBytes = texts.map(textJsonBytes);
  const column = distinct === 1 ? new Float64Array(count) : readIntegers(reader, count);
  return Array.from(column, (number) => {
    const text = texts[number];
    if (text === undefined) throw unreadable('a text that there is not');
    meter.add(jsonBytes[number] as number);
    return text;
  });
}

function flagOf(code: number): Flag {
  const flag = CODED_FLAGS[code];
  if (flag === undefined) throw new ProtocolError('INVALID', 'a flag of no known number');
  return flag;
}
