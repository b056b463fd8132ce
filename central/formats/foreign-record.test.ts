import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { NAME_PATTERN } from '../../protocol/record.ts';
import { foreignIdOf, foreignRecordOf } from './foreign-record.ts';
import { ForeignStations, stationOf } from './foreign-station.ts';
import type { Reading } from './format.ts';

const reading: Reading = {
  sourceId: 'TH1',
  timestampMs: Date.UTC(2026, 1, 3, 4, 5, 6, 7),
  metrics: { temperature: 0, x_door_status: false },
  missing: ['humidity'],
  location: { lat: 42.480_778_04, lon: 3.176_833 },
  info: { source_time: '2026-02-03 05:05:06.007' },
};
const receivedAtMs = Date.UTC(2026, 1, 3, 4, 5, 9);
const record = (changed: Partial<Reading> = {}) =>
  foreignRecordOf({ source: 'building', reading: { ...reading, ...changed }, receivedAtMs });

test('a reading becomes a flat record of its source and station', () => {
  expect(record()).toEqual({
    id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/),
    gateway: 'building',
    station: 'th1',
    kind: 'sample',
    timestamp: '2026-02-03T04:05:06.007Z',
    clock: 'unsynced',
    location: { lat: 42.480_778, lon: 3.176_833 },
    flags: { humidity: 9 },
    info: { source_id: 'TH1', source_time: '2026-02-03 05:05:06.007' },
    received_at: '2026-02-03T04:05:09.000Z',
    temperature: 0,
    x_door_status: false,
  });
});

test('its id is that of RFC 9562 section 5.5, for ever', () => {
  const name = 'building\0["TH1",[5,{"temperature":1},[],null,{}]]';
  const digest = createHash('sha1')
    .update(Buffer.from('7c1d0f5e4b8a4d0e9a5b3d0c6f2e8a17', 'hex'))
    .update(name)
    .digest();
  const [a, b] = [((digest[6] as number) & 0x0f) | 0x50, ((digest[8] as number) & 0x3f) | 0x80];
  const hex = Buffer.from([...digest.subarray(0, 6), a, digest[7] as number, b, ...digest.subarray(9, 16)]).toString(
    'hex',
  );
  const id = foreignIdOf('building', { sourceId: 'TH1', timestampMs: 5, metrics: { temperature: 1 } });
  expect(id.replaceAll('-', '')).toBe(hex);
  expect(id).toBe('981c1529-cb78-57d1-9207-a9e9d98b083d');
});

test('the order in which things are said is nothing of the id, and everything that is said is', () => {
  const { id } = record();
  expect(record({ metrics: { x_door_status: false, temperature: 0 } }).id).toBe(id);
  for (const changed of [
    { sourceId: 'th1' },
    { timestampMs: Date.UTC(2026, 1, 3, 4, 5, 6, 8) },
    { timestampMs: undefined },
    { metrics: { temperature: 0 } },
    { metrics: { temperature: 0, x_door_status: 0 } },
    { missing: [] },
    { location: { lat: 42.480_778_04, lon: 3.176_834 } },
    { info: {} },
  ] satisfies Partial<Reading>[]) {
    expect(record(changed).id, JSON.stringify(changed)).not.toBe(id);
  }
});

test('with an identity of its own nothing else counts', () => {
  const { id } = record({ identity: '24e124/17' });
  expect(record({ identity: '24e124/17', info: { gateways: 2 }, timestampMs: 5 }).id).toBe(id);
  expect(record({ identity: '24e124/18' }).id).not.toBe(id);
});

test('where the device says no time it is that of the receipt, and each receipt is a record', () => {
  const early = record({ timestampMs: undefined });
  expect(early).toMatchObject({
    timestamp: '2026-02-03T04:05:09.000Z',
    clock: 'unsynced',
    info: { time_from: 'receipt' },
  });
  const late = foreignRecordOf({
    source: 'building',
    reading: { ...reading, timestampMs: undefined },
    receivedAtMs: receivedAtMs + 60_000,
  });
  expect(late.id).not.toBe(early.id);
  expect(record({ timestampMs: undefined }).id).toBe(early.id);
  const occasion = { name: 'city/0/17', timestampMs: Date.UTC(2026, 1, 3, 4) };
  const parts = { source: 'building', reading: { ...reading, timestampMs: undefined }, occasion };
  const [first, again] = [receivedAtMs, receivedAtMs + 5].map((at) => foreignRecordOf({ ...parts, receivedAtMs: at }));
  expect(first).toMatchObject({ timestamp: '2026-02-03T04:00:00.000Z', id: again?.id });
});

test('an occasion is nothing of a reading that says its time, or has an identity', () => {
  const [timed, named] = [reading, { ...reading, timestampMs: undefined, identity: '24e124/17' }];
  for (const said of [timed, named]) {
    expect(foreignIdOf('building', said, 'one')).toBe(foreignIdOf('building', said, 'other'));
  }
});

test('what a registry adds stands in its place, and leaves the id as it is', () => {
  const { location, ...placeless } = reading;
  const registered = { tags: { institute: 'Via Vasca Navale' }, location: { lat: 1, lon: 2, alt: 3 } };
  const parts = { source: 'building', receivedAtMs };
  const flat = foreignRecordOf({ ...parts, reading: placeless, registered });
  expect(flat).toMatchObject({
    location: { lat: 1, lon: 2, alt: 3 },
    info: { tags: { institute: 'Via Vasca Navale' } },
  });
  expect(flat.id).toBe(foreignRecordOf({ ...parts, reading: placeless }).id);
  expect(foreignRecordOf({ ...parts, reading, registered }).location).toEqual({ lat: 42.480_778, lon: location?.lon });
});

test.each<[string, Partial<Reading>, RegExp]>([
  ['no value', { metrics: {}, missing: [] }, /says no value/],
  ['NaN', { metrics: { temperature: Number.NaN } }, /temperature is no number/],
  ['a type that is another', { metrics: { temperature: 'x' } }, /temperature is a number, and came as a text/],
  ['a reserved name', { metrics: { id: 1 } }, /id is no name/],
  ['a name with capitals', { metrics: { Door: 1 } }, /Door is no name/],
  ['a value that is missing', { missing: ['temperature'] }, /a value and none/],
  ['a place off the globe', { location: { lat: 91, lon: 0 } }, /location\.lat/],
  ['a time before 1970', { timestampMs: -1 }, /outside 1970 to 9999/],
  ['no name', { sourceId: '??' }, /the name of the device/],
  ['a long text', { info: { note: 'x'.repeat(513) } }, /info\.note has more than 512 bytes/],
  ['half a character', { info: { note: '\ud800' } }, /info\.note has half a character/],
  [
    'many values',
    { metrics: Object.fromEntries(Array.from({ length: 257 }, (_, i) => [`x_${i}`, i])) },
    /more than 256/,
  ],
  ['much', { info: Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`n${i}`, 'x'.repeat(500)])) }, /65536/],
])('%s is refused', (_, changed, reason) => {
  expect(() => record(changed)).toThrow(
    expect.objectContaining({ code: 'RECORD_INVALID', message: expect.stringMatching(reason) }),
  );
});

test.each([
  ['jzp://edv#0503.0000', 'jzp-edv-0503.0000'],
  ['24E124:3', '24e124-3'],
  ['AggDay[TH1]', 'aggday-th1'],
  ['station_0a1b2c3d4', 'station_0a1b2c3d4'],
  ['_gateway', 'gateway'],
  ['  Μετεωρολογικός 7 ', '7-a3d19240'],
  ['李', 'c16667ca'],
  ['é', '4a99557e'],
  ['7', '7'],
])('%s is the station %s', (sourceId, station) => {
  expect(stationOf(sourceId)).toBe(station);
});

test('a name that is too long is cut, and stays another than one that begins like it', () => {
  const long = 'a'.repeat(80);
  expect(stationOf(long)).toMatch(/^a{54}-[0-9a-f]{8}$/);
  expect(stationOf(`${long}b`)).not.toBe(stationOf(long));
});

test('names that no station may hold are taken, and are apart', () => {
  const names = ['Ανατολή 1', 'Δύση 1', 'Δύση', '李', 'Zoë', 'Zoe', 'Zoe\u0301'];
  const stations = names.map(stationOf);
  expect(new Set(stations).size).toBe(names.length);
  for (const station of stations) expect(station).toMatch(NAME_PATTERN);
  expect(stationOf(`${'Δ'.repeat(20)}${'a'.repeat(80)}`)).toMatch(/^a{54}-[0-9a-f]{8}$/);
});

test('a name of very many dashes costs no more than its length', () => {
  const beganMs = performance.now();
  expect(stationOf(`a${'-'.repeat(200_000)}b`)).toMatch(/^a-{53}-[0-9a-f]{8}$/);
  expect(performance.now() - beganMs).toBeLessThan(1000);
});

test('the second device of a station is told of the first, within a bounded memory', () => {
  const stations = new ForeignStations([], 2);
  expect(stations.collisionOf('th-1', 'TH 1')).toBeUndefined();
  expect(stations.collisionOf('th-1', 'TH 1')).toBeUndefined();
  expect(stations.collisionOf('th-1', 'th-1')).toBe('TH 1');
  for (const name of ['a', 'b']) expect(stations.collisionOf(name, name)).toBeUndefined();
  expect(stations.collisionOf('th-1', 'th-1')).toBeUndefined();
});
