import fc from 'fast-check';
import { parquetMetadata, parquetSchema } from 'hyparquet';
import { expect, test } from 'vitest';
import { recordIdOf } from '../../../protocol/ids.ts';
import { BOUNDS, CLOCK_STATES, RECORD_KINDS } from '../../../protocol/record.ts';
import { flatOf, runOf, span } from '../../../test/conformance/entries.ts';
import { foreignOf, storeRecordOf, wordsOf } from '../../../test/conformance/remote-records.ts';
import { parquetRecords, parquetRows } from '../../../test/parquet-records.ts';
import type { FlatRecord } from '../../recordlog/recordlog.ts';

import { METRIC_COLUMNS } from '../remote/metric-columns.ts';
import { ParquetRecordFile } from './record-file.ts';

function fileOf(flats: readonly FlatRecord[]): Uint8Array {
  const file = new ParquetRecordFile();
  for (const flat of flats) file.add(storeRecordOf(flat));
  return file.finish();
}

const time = fc
  .integer({ min: BOUNDS.timestampMsMin, max: BOUNDS.timestampMsMax })
  .map((ms) => new Date(ms).toISOString());
const text = fc.string({ unit: 'binary', maxLength: 40 });
const number = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (value === 0 ? 0 : value));
const json = fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.parse(JSON.stringify(value)) as FlatRecord[string]);
const metric = fc.oneof(fc.constantFrom(...METRIC_COLUMNS), fc.stringMatching(/^x_[a-z0-9]{1,8}$/));
const flat = fc
  .record(
    {
      sequence: fc.integer({ min: 1, max: BOUNDS.sequenceMax }),
      station: fc.constantFrom('buoy-7', '_gateway'),
      kind: fc.constantFrom(...RECORD_KINDS),
      timestamp: time,
      clock: fc.constantFrom(...CLOCK_STATES),
      received_at: time,
      location: fc.record({ lat: number, lon: number, alt: number }, { requiredKeys: ['lat', 'lon'] }),
      flags: fc.dictionary(metric, fc.constantFrom(2, 3, 4, 9), { minKeys: 1 }),
      info: fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), json, { minKeys: 1 }),
      metrics: fc.dictionary(metric, fc.oneof(number, fc.boolean(), text), { maxKeys: 12 }),
    },
    { requiredKeys: ['sequence', 'station', 'kind', 'timestamp', 'clock', 'metrics'] },
  )
  .map(({ sequence, metrics, ...own }) => {
    const id = recordIdOf(runOf(1), sequence);
    return JSON.parse(JSON.stringify({ id, gateway: 'plaka', ...own, ...metrics })) as FlatRecord;
  });

test('every record comes back as it was, whatever is in it', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(flat, { minLength: 1, maxLength: 30 }), async (flats) => {
      expect(await parquetRecords(fileOf(flats))).toEqual(flats);
    }),
    { numRuns: 150 },
  );
});

test('records of existing devices, alarms, gaps, events, and a place that is none come back as they were', async () => {
  const flats = [
    ...wordsOf((sequence) => recordIdOf(runOf(2), sequence)),
    ...span(1, 60).map(foreignOf),
    ...span(1, 30).map((sequence) => flatOf(runOf(1), sequence)),
    { ...flatOf(runOf(1), 31), location: { lat: 1, lon: 2, depth: 3 } },
    { ...flatOf(runOf(1), 32), location: null, info: null, flags: 'none', temperature: 'warm' },
    { ...flatOf(runOf(1), 33), timestamp: '2026-02-01T00:00:00Z' },
  ] as FlatRecord[];
  expect(await parquetRecords(fileOf(flats))).toEqual(flats);
});

test('what is absent is null, zero is zero, and the run stands in columns', async () => {
  const [row] = await parquetRows(fileOf([{ ...flatOf(runOf(1), 7), rainfall: 0, door_open: false }]));
  expect(row).toMatchObject({ run: runOf(1), sequence: 7n, rainfall: 0, metrics: '{"door_open":false}' });
  expect(row?.pressure).toBeUndefined();
});

test('files have one schema, whatever is in them', () => {
  const [bare, full] = [[flatOf(runOf(1), 3)], span(1, 50).map(foreignOf)].map((flats) =>
    parquetSchema(parquetMetadata(new Uint8Array(fileOf(flats)).buffer)),
  );
  expect(bare?.children.map(({ element }) => element)).toEqual(full?.children.map(({ element }) => element));
});

test('many records are several row groups, and all of them come back', async () => {
  const flats = span(1, 25_000).map((sequence) => flatOf(runOf(1), sequence));
  const bytes = fileOf(flats);
  expect(parquetMetadata(new Uint8Array(bytes).buffer).row_groups.length).toBe(5);
  expect((await parquetRecords(bytes)).map(({ id }) => id)).toEqual(flats.map(({ id }) => id));
  expect(bytes.length).toBeLessThan(JSON.stringify(flats).length / 5);
});
