import { expect, test } from 'vitest';
import { recordIdOf, runIdOf } from '../../protocol/ids.ts';
import type { SequencedRecord } from '../../protocol/record.ts';
import { saltOf, sampleOf } from '../../test/batches.ts';
import { inspect } from './inspect.ts';

const run = runIdOf('plaka', saltOf(1));
const receivedAtMs = Date.UTC(2026, 1, 1, 12);
const inspected = (records: readonly SequencedRecord[]) => inspect({ gateway: 'plaka', run, records, receivedAtMs });

test('a record becomes flat, stamped with its receipt, and its JSON is made once', () => {
  const { entry, refused, jsonBytes } = inspected([sampleOf(1, { door_open: false })]);
  const flat = {
    id: recordIdOf(run, 1),
    gateway: 'plaka',
    station: 'buoy-7',
    kind: 'sample',
    timestamp: '2026-01-31T22:59:59.000Z',
    clock: 'synced',
    temperature: 20.01,
    door_open: false,
    received_at: '2026-02-01T12:00:00.000Z',
  };
  expect(entry).toEqual({ gateway: 'plaka', run, records: [{ sequence: 1, flat, json: expect.any(String) }] });
  const json = entry.records[0]?.json as string;
  expect(JSON.parse(json)).toEqual(flat);
  expect(jsonBytes).toBe(json.length);
  expect(refused).toEqual([]);
});

test.each([
  ['temperature', 'warm', 'temperature is a number, and came as a text'],
  ['temperature', true, 'temperature is a number, and came as a boolean'],
  ['door_open', 1, 'door_open is a boolean, and came as a number'],
  ['modem_state', 0, 'modem_state is a text, and came as a number'],
])('%s = %o is refused: a metric has one type for ever', (name, value, reason) => {
  const { entry, refused } = inspected([sampleOf(1), sampleOf(2, { [name]: value }), sampleOf(3)]);
  expect(entry.records.map(({ sequence }) => sequence)).toEqual([1, 3]);
  expect(refused).toEqual([
    { code: 'metric_type', reason, gateway: 'plaka', run, sequence: 2, receivedAtMs, json: expect.any(String) },
  ]);
  expect(JSON.parse(refused[0]?.json as string)).toMatchObject({ sequence: 2, metrics: { [name]: value } });
});

test('a metric that only the sender knows may be anything', () => {
  const { refused } = inspected([
    sampleOf(1, { x_note: 'text' }),
    sampleOf(2, { x_note: 1 }),
    sampleOf(3, { reason: 'x' }),
  ]);
  expect(refused).toEqual([]);
});

test('a record that cannot be made flat is refused by itself', () => {
  const { entry, refused } = inspected([sampleOf(1, { gateway: 'ikaros' }), sampleOf(2)]);
  expect(entry.records.map(({ sequence }) => sequence)).toEqual([2]);
  expect(refused).toMatchObject([{ code: 'invalid_record', sequence: 1, reason: 'no metric may have this name' }]);
});
