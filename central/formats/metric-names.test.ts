import { expect, test } from 'vitest';
import type { JsonValue } from '../../protocol/record.ts';
import type { RefusedPart } from './format.ts';
import { MeasureGroup } from './measure-group.ts';
import { type Measure, measureOf, metricOf, metricTable, unknownMetricOf } from './metric-names.ts';

const table = metricTable({
  temperature: 'temperature',
  pressure: 'pressure',
  battery_level: { to: ['battery_level', 'battery_voltage'] },
  rssi: { to: ['rssi'], units: { dB: 'dBm' } },
  pir: { to: ['presence'], values: { idle: false, trigger: true } },
  door: 'door_open',
  flow: { to: ['x_flow'], unit: 'l' },
});

function measure(name: string, value: JsonValue, unit?: string): Measure {
  return measureOf(metricOf(table, { name, value, unit, at: name }), value, name);
}

test.each([
  ['temperature', 21.5, 'C', 'temperature', 21.5, undefined],
  ['temperature', 21.5, '℃', 'temperature', 21.5, undefined],
  ['temperature', 21.5, '', 'temperature', 21.5, undefined],
  ['Temperature', 294.65, 'K', 'temperature', 21.5, undefined],
  ['temperature', 32, 'F', 'temperature', 0, undefined],
  ['temperature', 21.5, 'spoons', 'x_temperature', 21.5, 'spoons'],
  ['temperature', 21.5, 'hPa', 'x_temperature', 21.5, 'hPa'],
  ['pressure', 101_325, 'Pa', 'pressure', 1013.25, undefined],
  ['battery_level', 3.4, 'V', 'battery_voltage', 3.4, undefined],
  ['battery_level', 34, '%', 'battery_level', 34, undefined],
  ['rssi', -70, 'dB', 'rssi', -70, undefined],
  ['pir', 'Trigger', undefined, 'presence', true, undefined],
  ['pir', 'idle', undefined, 'presence', false, undefined],
  ['door', 0, undefined, 'door_open', false, undefined],
  ['flow', 3, undefined, 'x_flow', 3, 'l'],
  ['Device Temp.', 1, 'C', 'x_device_temp', 1, '°C'],
  ['depth', 1, 'm', 'x_depth', 1, 'm'],
  ['x_flow_rate', true, '', 'x_flow_rate', true, undefined],
] as const)('%s %s %s is %s %s %s', (name, value, unit, metric, expected, noted) => {
  expect(measure(name, value, unit)).toEqual({ metric, value: expected, unit: noted });
});

test('-0 is 0', () => {
  expect(Object.is(measure('temperature', -0).value, 0)).toBe(true);
});

test.each<[string, JsonValue, string | undefined, RegExp]>([
  ['temperature', '21.5', undefined, /^temperature is no number$/],
  ['temperature', true, undefined, /is no number/],
  ['temperature', Number.NaN, undefined, /without bounds/],
  ['temperature', Number.POSITIVE_INFINITY, undefined, /without bounds/],
  ['pressure', 1.7e308, 'bar', /without bounds/],
  ['door', 2, undefined, /neither true nor false/],
  ['pir', 'sleeping', undefined, /is none of idle, trigger/],
  ['pir', '__proto__', undefined, /is none of/],
  ['other', { v: 1 }, undefined, /is an object or a list/],
  ['other', '', undefined, /empty text/],
  ['other', 'é'.repeat(65), undefined, /more than 128 bytes/],
  ['temperature', 1, 'm'.repeat(33), /more than 32 characters/],
  ['°', 1, undefined, /without any letter/],
])('%s %s %s is refused', (name, value, unit, reason) => {
  expect(() => measure(name, value, unit)).toThrow(reason);
});

test('a name that is too long is cut, and stays another than one that begins like it', () => {
  const long = 'a'.repeat(60);
  expect(unknownMetricOf(long, 'at')).toMatch(/^x_a{37}_[0-9a-f]{8}$/);
  expect(unknownMetricOf(`${long}b`, 'at')).not.toBe(unknownMetricOf(long, 'at'));
});

test('a value that is refused costs no other, and a metric of the table is missing then', () => {
  const refused: RefusedPart[] = [];
  const group = new MeasureGroup(table, refused);
  for (const [name, value] of Object.entries({
    temperature: 'warm',
    pressure: null,
    door: 1,
    DOOR: 0,
    note: {},
    y: 4,
  })) {
    group.add({ name, value, at: name });
  }
  group.add({ name: 'speed', value: 3, unit: 'knots', at: 'speed' });
  expect(group.reading({ sourceId: 's', timestampMs: 5 })).toEqual({
    sourceId: 's',
    timestampMs: 5,
    metrics: { door_open: true, x_y: 4, x_speed: 3 },
    missing: ['temperature', 'pressure'],
    info: { unit: { x_speed: 'kn' } },
  });
  expect(refused).toEqual([
    { text: '"temperature": "warm"', reason: 'temperature is no number' },
    { text: '"DOOR": 0', reason: 'DOOR is a second value of door_open at the same time' },
    { text: '"note": {}', reason: 'note is an object or a list, and no value' },
  ]);
});
