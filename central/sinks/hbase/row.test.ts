import { expect, test } from 'vitest';
import { foreignOf, storeRecordOf } from '../../../test/conformance/remote-records.ts';
import { TimeZone } from '../../formats/time-zone.ts';
import type { FlatRecord } from '../../recordlog/recordlog.ts';
import { type HbaseLayout, markOf, rowOf, saltOf } from './row.ts';

const RECORDS: HbaseLayout = { kind: 'records', salt: 16 };
const ATHENS: HbaseLayout = { kind: 'ntua', zone: new TimeZone('Europe/Athens') };
const ID = '3f2a9c1e-77b0-8d31-9e4c-00000000002a';
const flat: FlatRecord = {
  id: ID,
  gateway: 'plaka',
  station: 'buoy-7',
  kind: 'sample',
  timestamp: '2026-01-31T23:59:59.999Z',
  clock: 'synced',
  temperature: 0,
};
const rowOfFlat = (change: Partial<FlatRecord>, layout: HbaseLayout) =>
  rowOf(storeRecordOf({ ...flat, ...change } as FlatRecord), layout);

test('a row is called by prefix, station, time and id, and its cells have the time of the event', () => {
  expect(rowOfFlat({}, RECORDS)).toMatchObject({
    key: `${saltOf('plaka', 'buoy-7', 16)}|plaka/buoy-7|1769903999999|${ID}`,
    timestampMs: 1_769_903_999_999,
  });
  expect(rowOfFlat({ timestamp: '1970-01-01T00:00:00.042Z' }, RECORDS).key).toContain('|0000000000042|');
});

test('the prefix of a station is as docs/stores/hbase.md says, for ever', () => {
  expect(saltOf('plaka', 'buoy-7', 16)).toBe('03');
  expect(saltOf('schools', '24e12400', 16)).toBe('12');
  expect(saltOf('plaka', 'buoy-7', 1)).toBe('0');
});

test('own keys are text as they are, all else is JSON: a number and its text stay apart', () => {
  const { cells } = rowOfFlat({ door_open: false, x_note: '5', flags: { humidity: 9 }, location: { lat: 1 } }, RECORDS);
  expect(cells).toEqual({
    ...{ id: ID, gateway: 'plaka', station: 'buoy-7', kind: 'sample', clock: 'synced', timestamp: flat.timestamp },
    ...{ temperature: '0', door_open: 'false', x_note: '"5"', flags: '{"humidity":9}', location: '{"lat":1}' },
    ...{ run: '3f2a9c1e-77b0-8d31-9e4c', sequence: '42' },
  });
});

test('a record of an existing device has no run', () => {
  const { cells } = rowOf(storeRecordOf(foreignOf(1)), RECORDS);
  expect(Object.keys(cells)).not.toContain('run');
  expect(Object.keys(cells)).not.toContain('sequence');
});

test.each([
  ['2020-01-01T10:15:00.000Z', '2020-01-01 12:15'],
  ['2020-07-01T10:15:00.000Z', '2020-07-01 13:15'],
])('NTUA: %s is %s in Athens, with the three columns of its tables beside ours', (timestamp, minute) => {
  const { key, cells } = rowOfFlat({ timestamp, info: { source_id: 'TH1' }, flags: { humidity: 9 } }, ATHENS);
  expect(key).toBe(`${minute}-TH1|${ID}`);
  expect(cells).toMatchObject({ sensor: 'TH1', datetime: minute, value: '0', temperature: '0', sequence: '42' });
});

test('NTUA: a record with two numbers has no value of its own, and one without a source is of its station', () => {
  const { key, cells } = rowOfFlat({ humidity: 40 }, ATHENS);
  expect(key).toBe(`2026-02-01 01:59-buoy-7|${ID}`);
  expect(cells.value).toBeUndefined();
});

test('a metric with the name of one of those columns is the one that stands there', () => {
  expect(rowOfFlat({ value: 'x' }, ATHENS).cells.value).toBe('"x"');
});

test('a table remembers all that its rows are called by', () => {
  expect([RECORDS, { ...RECORDS, salt: 8 }, ATHENS].map(markOf)).toEqual([
    'records/16',
    'records/8',
    'ntua/Europe/Athens',
  ]);
});
