import { ProtocolError } from '../errors.ts';
import { countOf, rangesOf } from '../intervals.ts';
import { BOUNDS, GATEWAY_STATION, type SequencedRecord } from '../record.ts';
import { BitReader, unreadable } from './bit-reader.ts';
import { BitWriter } from './bit-writer.ts';
import { MetricDictionary, readDictionary, writeDictionary } from './dictionary.ts';
import { InfoReader, InfoWriter } from './info.ts';
import { planIntegers, readIntegers } from './integer-column.ts';
import { JsonMeter } from './json-meter.ts';
import { readRanges, writeRanges } from './ranges.ts';
import { invalid, requireRecord, requireStation } from './record-rules.ts';
import { cellCounter, type RecordDraft, readBlock, StationBlock, writeBlock } from './station-block.ts';
import { readName, writeName } from './text.ts';

/** Throws `BOUNDS` or `INVALID`. */
export function writeBody(records: readonly SequencedRecord[], meter: JsonMeter = new JsonMeter()): Uint8Array {
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
  const infos = new InfoWriter(writer, meter);
  const isOnly = blocks.size === 1;
  for (const block of blocks.values()) writeBlock(block, { writer, meter, infos, entries, isOnly });
  return writer.finish();
}

/** Throws `UNREADABLE`, `BOUNDS` or `INVALID`. */
export function readBody(body: Uint8Array, meter: JsonMeter = new JsonMeter()): RecordDraft[] {
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
