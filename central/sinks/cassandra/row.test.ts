import { types } from 'cassandra-driver';
import { expect, test } from 'vitest';
import type { FlatRecord } from '../../recordlog/recordlog.ts';
import { Unwritable } from '../remote/unwritable.ts';
import { ROW_COLUMNS, rowOf } from './row.ts';

const YEAR_MS = 365 * 86_400_000;
const flat: FlatRecord = {
  ...{ id: '3f2a9c1e-77b0-8d31-9e4c-000000000007', gateway: 'plaka', station: 'city-1', kind: 'sample', clock: 'gps' },
  ...{ timestamp: '2026-01-31T23:59:59.999Z', received_at: '2026-02-01T00:00:01.000Z' },
};

function columnsOf(more: Partial<FlatRecord>, retentionMs?: number): Record<string, unknown> {
  const record = { ...flat, ...more } as FlatRecord;
  const place = { run: '3f2a9c1e-77b0-8d31-9e4c', sequence: 7 };
  const { values } = rowOf({ flat: record, json: JSON.stringify(record), place }, retentionMs);
  expect(values.length).toBe(ROW_COLUMNS.length + 1);
  return Object.fromEntries([...ROW_COLUMNS, 'written'].map((name, at) => [name, values[at]]));
}

test('a value is an outlier where it is suspect or fails, and nobody has judged one that is missing or not evaluated', () => {
  const flags = { temperature: 3, humidity: 4, pressure: 2, air_quality: 9, noise_level: 1 };
  const row = columnsOf({ flags, temperature: 61, humidity: 101, pressure: 1013, noise_level: 44, rainfall: 0 });
  expect(row).toMatchObject({
    ...{ temperature_outlier: true, humidity_outlier: true, noise_level_outlier: false, rainfall_outlier: false },
    ...{ pressure_outlier: undefined, air_quality_outlier: undefined, wind_speed_outlier: undefined },
    ...{ temperature: 61, rainfall: 0, air_quality: undefined, flags },
  });
});

test('further metrics stand by their type, and a column that nothing is known of is left alone', () => {
  const row = columnsOf({
    co2: 417,
    temperature: 'warm',
    x_open: false,
    modem_state: '',
    location: { lat: 1, lon: 2 },
  });
  expect(row).toMatchObject({
    ...{ metrics: { co2: 417 }, texts: { temperature: 'warm', modem_state: '' }, booleans: { x_open: false } },
    ...{ location: { lat: 1, lon: 2 }, flags: undefined, info: undefined, temperature: undefined },
  });
  expect(Object.values(row)).not.toContain(null);
  expect(columnsOf({})).toMatchObject({ metrics: undefined, texts: undefined, booleans: undefined });
});

test('a row is written when it was received, under the day of its event or, where that cannot be, with the undated', () => {
  expect(columnsOf({})).toMatchObject({
    day: '2026-01-31',
    sequence: types.Long.fromNumber(7),
    written: types.Long.fromString('1769904001000000'),
  });
  expect(columnsOf({ timestamp: '2025-01-30T00:00:00.000Z' })).toMatchObject({ day: '2025-01-30' });
  expect(columnsOf({ timestamp: '2025-01-30T00:00:00.000Z' }, YEAR_MS)).toMatchObject({ day: 'undated' });
  expect(columnsOf({ timestamp: '9999-12-31T23:59:59.999Z' })).toMatchObject({ day: 'undated' });
});

test.each([
  ['an id that is none', { id: '3F2A9C1E-77B0-8D31-9E4C-000000000007' }],
  ['a time in another form', { timestamp: '2026-01-31 23:59' }],
  ['a day that there is not', { received_at: '2026-02-30T00:00:00.000Z' }],
  ['half a character', { x_note: '\ud83c' }],
  ['a list', { x_list: [1] }],
  ['a location in words', { location: { lat: 'north', lon: 2 } }],
  ['a key that is too long', { station: 's'.repeat(65_536) }],
])('%s is no row', (_, more) => {
  expect(() => columnsOf(more)).toThrow(Unwritable);
});

test.each([{ flags: { temperature: 1e10 } }, { flags: { temperature: 1.5 } }, { flags: [1] }, { location: [1, 2] }])(
  'what the driver could not encode, or would change, is told before: %o',
  (change) => {
    expect(() => columnsOf(change as Partial<FlatRecord>)).toThrow(Unwritable);
  },
);
