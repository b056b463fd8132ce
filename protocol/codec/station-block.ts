import { ProtocolError } from '../errors.ts';
import {
  BOUNDS,
  CLOCK_STATES,
  type ClockState,
  type Flag,
  type Info,
  type Location,
  type MetricValue,
  RECORD_KINDS,
  type RecordKind,
  type SequencedRecord,
} from '../record.ts';
import type { BitReader } from './bit-reader.ts';
import type { BitWriter } from './bit-writer.ts';
import type { MetricDictionary, MetricEntry } from './dictionary.ts';
import type { InfoReader, InfoWriter } from './info.ts';
import { planIntegers, readIntegers } from './integer-column.ts';
import { type JsonMeter, LOCATION_JSON_BYTES, RECORD_JSON_BYTES } from './json-meter.ts';
import { type MetricCells, type MetricColumn, readMetricColumn, writeMetricColumn } from './metric-column.ts';
import { readNumbers, writeNumbers } from './number-column.ts';
import { invalid, requireFlag, requireLocation, requireTime, requireValue, typeOf } from './record-rules.ts';
import { readSubset, writeSubset } from './subset.ts';

/** One station's records of a batch, with their metrics sorted into columns. */
export class StationBlock {
  readonly station: string;
  readonly records: SequencedRecord[] = [];
  readonly columns = new Map<MetricEntry, MetricColumn>();

  constructor(station: string) {
    this.station = station;
  }

  /** Takes a record's cells. Throws `INVALID` or `BOUNDS`. Returns how many there are. */
  add(record: SequencedRecord, dictionary: MetricDictionary): number {
    const { metrics, flags } = record;
    const row = this.records.length;
    let cells = 0;
    this.records.push(record);
    for (const name of Object.keys(metrics)) {
      const value = metrics[name] as MetricValue;
      requireValue(value);
      this.#columnOf(dictionary.entryOf(name, typeOf(value)), row).values[row] = value;
      cells += 1;
    }
    for (const name of Object.keys(flags)) {
      const flag = flags[name] as Flag;
      requireFlag(flag);
      if (flag === 1) continue;
      const value = Object.hasOwn(metrics, name) ? metrics[name] : undefined;
      const entry = value === undefined ? dictionary.flaggedEntryOf(name) : dictionary.entryOf(name, typeOf(value));
      this.#columnOf(entry, row).flags[row] = flag;
      if (value === undefined) cells += 1;
    }
    return cells;
  }

  #columnOf(metric: MetricEntry, row: number): MetricColumn {
    let column = this.columns.get(metric);
    if (column === undefined) {
      column = { metric, values: [], flags: [] };
      this.columns.set(metric, column);
    }
    // Dense up to this row, so that no array has holes.
    while (column.values.length <= row) {
      column.values.push(undefined);
      column.flags.push(undefined);
    }
    return column;
  }

  /** Every column as long as the records, in the dictionary's order. */
  finished(entries: readonly MetricEntry[]): MetricColumn[] {
    const last = this.records.length - 1;
    return entries.filter((entry) => this.columns.has(entry)).map((entry) => this.#columnOf(entry, last));
  }
}

/** What the blocks of one batch share while they are written. */
export interface BlockWriting {
  readonly writer: BitWriter;
  readonly meter: JsonMeter;
  readonly infos: InfoWriter;
  readonly entries: readonly MetricEntry[];
  /** There is no other block, so every metric of the dictionary is one of this block's. */
  readonly isOnly: boolean;
}

export function writeBlock(block: StationBlock, { writer, meter, infos, entries, isOnly }: BlockWriting): void {
  const { station, records } = block;
  meter.add(records.length * (RECORD_JSON_BYTES + station.length));
  planIntegers(records.map(({ timestampMs }) => timestampMs)).write(writer);
  planIntegers(records.map(({ kind }) => RECORD_KINDS.indexOf(kind))).write(writer);
  planIntegers(records.map(({ clock }) => CLOCK_STATES.indexOf(clock))).write(writer);
  writeLocations(writer, meter, records);
  const hasInfo = records.map(({ info }) => info !== undefined);
  writeSubset(writer, hasInfo);
  for (const { info } of records) if (info !== undefined) infos.write(info);
  if (!isOnly) for (const entry of entries) writer.flag(block.columns.has(entry));
  for (const column of block.finished(entries)) writeMetricColumn(writer, meter, column);
}

function writeLocations(writer: BitWriter, meter: JsonMeter, records: readonly SequencedRecord[]): void {
  writeSubset(
    writer,
    records.map(({ location }) => location !== undefined),
  );
  const located = records.map(({ location }) => location).filter((location) => location !== undefined);
  if (located.length === 0) return;
  meter.add(located.length * LOCATION_JSON_BYTES);
  const write = (values: readonly number[]): void => {
    if (values.length > 0) meter.add(values.length * writeNumbers(writer, values));
  };
  write(located.map(({ lat }) => lat));
  write(located.map(({ lon }) => lon));
  writeSubset(
    writer,
    located.map(({ alt }) => alt !== undefined),
  );
  write(located.map(({ alt }) => alt).filter((alt) => alt !== undefined));
}

/** A record that is being put together. */
export interface RecordDraft {
  sequence: number;
  station: string;
  kind: RecordKind;
  timestampMs: number;
  clock: ClockState;
  metrics: Record<string, MetricValue>;
  flags: Record<string, Flag>;
  location?: Location;
  info?: Info;
}

/** What the blocks of one batch share while they are read. */
export interface BlockReading {
  readonly reader: BitReader;
  readonly meter: JsonMeter;
  readonly infos: InfoReader;
  readonly entries: readonly MetricEntry[];
  readonly isOnly: boolean;
  /** Counts cells of all blocks; throws `BOUNDS` beyond `BOUNDS.cellsPerBatch`. */
  readonly countCells: (cells: number) => void;
}

/** Reads a station's records, in the order of `sequences`. */
export function readBlock(station: string, sequences: readonly number[], reading: BlockReading): RecordDraft[] {
  const { reader, meter, infos, entries, isOnly } = reading;
  const count = sequences.length;
  meter.add(count * (RECORD_JSON_BYTES + station.length));
  const times = readIntegers(reader, count);
  const kinds = readIntegers(reader, count);
  const clocks = readIntegers(reader, count);
  const records = sequences.map((sequence, row): RecordDraft => {
    const timestampMs = times[row] as number;
    requireTime(timestampMs);
    const kind = RECORD_KINDS[kinds[row] as number];
    const clock = CLOCK_STATES[clocks[row] as number];
    if (kind === undefined || clock === undefined) throw invalid('a kind or clock of no known number');
    return { sequence, station, kind, timestampMs, clock, metrics: {}, flags: {} };
  });
  readLocations(reader, meter, records);
  for (const row of readSubset(reader, count)) (records[row] as RecordDraft).info = infos.read();
  const own = isOnly ? entries : entries.filter(() => reader.flag());
  for (const metric of own) {
    reading.countCells(fill(records, metric.name, readMetricColumn(reader, meter, metric, count)));
  }
  return records;
}

function readLocations(reader: BitReader, meter: JsonMeter, records: readonly RecordDraft[]): void {
  const located = readSubset(reader, records.length).map((row) => records[row] as RecordDraft);
  if (located.length === 0) return;
  meter.add(located.length * LOCATION_JSON_BYTES);
  const read = (count: number): Float64Array => {
    if (count === 0) return new Float64Array(0);
    const { values, jsonBytes } = readNumbers(reader, count);
    meter.add(count * jsonBytes);
    return values;
  };
  const lats = read(located.length);
  const lons = read(located.length);
  const altRows = readSubset(reader, located.length);
  const alts = read(altRows.length);
  const altOf = new Map(altRows.map((row, index) => [row, alts[index] as number]));
  for (const [row, record] of located.entries()) {
    const place = { lat: lats[row] as number, lon: lons[row] as number };
    const alt = altOf.get(row);
    record.location = alt === undefined ? place : { ...place, alt };
    requireLocation(record.location);
  }
}

/** Gives the records a metric's cells. Returns how many there are. */
function fill(
  records: readonly RecordDraft[],
  name: string,
  { valueRows, values, flagRows, flags }: MetricCells,
): number {
  let cells = valueRows.length;
  for (const [index, row] of valueRows.entries()) {
    const { metrics } = records[row] as RecordDraft;
    if (Object.hasOwn(metrics, name)) throw twice();
    metrics[name] = values[index] as MetricValue;
  }
  for (const [index, row] of flagRows.entries()) {
    const record = records[row] as RecordDraft;
    if (Object.hasOwn(record.flags, name)) throw twice();
    record.flags[name] = flags[index] as Flag;
    if (!Object.hasOwn(record.metrics, name)) cells += 1;
  }
  return cells;
}

/** Refuses a batch with too many cells. */
export function cellCounter(): (cells: number) => void {
  let left: number = BOUNDS.cellsPerBatch;
  return (cells) => {
    left -= cells;
    if (left < 0) throw new ProtocolError('BOUNDS', `more than ${BOUNDS.cellsPerBatch} values`);
  };
}

function twice(): ProtocolError {
  return invalid('a record has a metric twice');
}
