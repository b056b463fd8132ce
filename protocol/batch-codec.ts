import type { Batch, BatchPreamble } from './batch.ts';
import { BitReader, unreadable } from './codec/bit-reader.ts';
import { BitWriter } from './codec/bit-writer.ts';
import { crc32c } from './codec/crc32c.ts';
import { MetricDictionary, readDictionary, writeDictionary } from './codec/dictionary.ts';
import { InfoReader, InfoWriter } from './codec/info.ts';
import { planIntegers, readIntegers } from './codec/integer-column.ts';
import { JsonMeter } from './codec/json-meter.ts';
import { PREAMBLE_BYTES, readPreamble, requireBatchName, TOKEN_BYTES, writePreamble } from './codec/preamble.ts';
import { readRanges, writeRanges } from './codec/ranges.ts';
import { invalid, requireRecord, requireStation } from './codec/record-rules.ts';
import { cellCounter, type RecordDraft, readBlock, StationBlock, writeBlock } from './codec/station-block.ts';
import { readName, writeName } from './codec/text.ts';
import { ProtocolError } from './errors.ts';
import { SALT_BYTES } from './ids.ts';
import { countOf, rangesOf } from './intervals.ts';
import { BOUNDS, GATEWAY_STATION, type SequencedRecord } from './record.ts';

/** The version that this end writes, and the newest that it reads. */
export const BATCH_VERSION = 1;

const CRC_BYTES = 4;

/**
 * A batch as bytes (docs/protocol.md, "Batch"). A flag of 1 (pass) is the same as none, and is not written.
 * Throws `BOUNDS` where the records are too many or too large for one batch, `INVALID` where one of them may not be.
 */
export function encodeBatch(batch: Omit<Batch, 'version'>): Uint8Array {
  requireBatchName(batch);
  const body = writeBody(batch.records);
  const bytes = new Uint8Array(PREAMBLE_BYTES + body.length + CRC_BYTES);
  if (bytes.length > BOUNDS.batchBytes) throw new ProtocolError('BOUNDS', `more than ${BOUNDS.batchBytes} bytes`);
  bytes.set(body, PREAMBLE_BYTES);
  new DataView(bytes.buffer).setUint32(bytes.length - CRC_BYTES, crc32c(body));
  writePreamble(bytes, { ...batch, version: BATCH_VERSION });
  return bytes;
}

/** What can be read of a batch of any version. Throws `NOT_A_BATCH` and nothing else. */
export function decodePreamble(bytes: Uint8Array): BatchPreamble {
  return readPreamble(bytes).preamble;
}

/** Throws `NOT_A_BATCH`, `UNREADABLE`, `VERSION`, `BOUNDS` or `INVALID`, and nothing else. */
export function decodeBatch(bytes: Uint8Array): Batch {
  const { preamble, bodyBytes } = readPreamble(bytes);
  if (preamble.version !== BATCH_VERSION) throw new ProtocolError('VERSION', `a batch of version ${preamble.version}`);
  if (bytes.length > BOUNDS.batchBytes) throw new ProtocolError('BOUNDS', `more than ${BOUNDS.batchBytes} bytes`);
  if (bytes.length !== PREAMBLE_BYTES + bodyBytes || bodyBytes < CRC_BYTES) {
    throw unreadable('not as long as its preamble says');
  }
  const body = bytes.subarray(PREAMBLE_BYTES, bytes.length - CRC_BYTES);
  const crc = new DataView(bytes.buffer, bytes.byteOffset + bytes.length - CRC_BYTES).getUint32(0);
  if (crc32c(body) !== crc) throw unreadable('the body is damaged');
  return { ...preamble, records: readBody(body) };
}

/** Bytes of a batch that holds this record alone; at most `BOUNDS.recordBytes` may be appended. Throws as `encodeBatch`. */
export function encodedRecordBytes(record: SequencedRecord): number {
  return encodeBatch({
    salt: new Uint8Array(SALT_BYTES),
    batch: 0,
    token: new Uint8Array(TOKEN_BYTES),
    records: [record],
  }).length;
}

function writeBody(records: readonly SequencedRecord[]): Uint8Array {
  if (records.length === 0) throw invalid('a batch without records');
  if (records.length > BOUNDS.recordsPerBatch) throw tooManyRecords();
  const ranges = rangesOf(ascendingSequences(records));
  if (ranges.length > BOUNDS.rangesPerBatch) {
    throw new ProtocolError('BOUNDS', `more than ${BOUNDS.rangesPerBatch} ranges`);
  }
  const dictionary = new MetricDictionary();
  const blocks = new Map<string, StationBlock>();
  const countCells = cellCounter();
  for (const record of records) {
    requireRecord(record);
    const block = blocks.get(record.station) ?? new StationBlock(record.station);
    blocks.set(record.station, block);
    countCells(block.add(record, dictionary));
  }
  const entries = dictionary.ordered();

  const writer = new BitWriter();
  writeRanges(writer, ranges);
  const stations = [...blocks.keys()];
  writer.count(stations.length - 1);
  for (const station of stations) writeName(writer, station === GATEWAY_STATION ? '' : station);
  if (stations.length > 1) {
    const numbers = new Map(stations.map((station, number) => [station, number]));
    planIntegers(records.map(({ station }) => numbers.get(station) as number)).write(writer);
  }
  writeDictionary(writer, entries);
  const meter = new JsonMeter();
  const infos = new InfoWriter(writer, meter);
  const isOnly = blocks.size === 1;
  for (const block of blocks.values()) writeBlock(block, { writer, meter, infos, entries, isOnly });
  return writer.finish();
}

function readBody(body: Uint8Array): RecordDraft[] {
  const reader = new BitReader(body);
  const ranges = readRanges(reader, BOUNDS.rangesPerBatch);
  if (countOf(ranges) > BOUNDS.recordsPerBatch) throw tooManyRecords();
  const sequences = ranges.flatMap(([first, last]) =>
    Array.from({ length: last - first + 1 }, (_, index) => first + index),
  );
  const stations = readStations(reader, sequences.length);
  const sequencesOf = stations.map((): number[] => []);
  const numbers = stations.length === 1 ? new Float64Array(sequences.length) : readIntegers(reader, sequences.length);
  for (const [row, sequence] of sequences.entries()) {
    const ofStation = sequencesOf[numbers[row] as number];
    if (ofStation === undefined) throw unreadable('a station that there is not');
    ofStation.push(sequence);
  }
  const entries = readDictionary(reader);
  const meter = new JsonMeter();
  const infos = new InfoReader(reader, meter);
  const reading = { reader, meter, infos, entries, isOnly: stations.length === 1, countCells: cellCounter() };
  const records = stations.flatMap((station, number) => {
    const ofStation = sequencesOf[number] as number[];
    if (ofStation.length === 0) throw unreadable('a station without a record');
    return readBlock(station, ofStation, reading);
  });
  reader.end();
  return stations.length === 1 ? records : records.sort((a, b) => a.sequence - b.sequence);
}

function readStations(reader: BitReader, records: number): string[] {
  const count = reader.count() + 1;
  if (count > records) throw unreadable('more stations than records');
  const stations = Array.from({ length: count }, () => readName(reader) || GATEWAY_STATION);
  for (const station of stations) requireStation(station);
  if (new Set(stations).size < count) throw invalid('a station stands twice');
  return stations;
}

function* ascendingSequences(records: readonly SequencedRecord[]): Generator<number> {
  let last = 0;
  for (const { sequence } of records) {
    if (!(sequence > last)) throw invalid('sequences do not ascend');
    last = sequence;
    yield sequence;
  }
}

function tooManyRecords(): ProtocolError {
  return new ProtocolError('BOUNDS', `more than ${BOUNDS.recordsPerBatch} records`);
}
