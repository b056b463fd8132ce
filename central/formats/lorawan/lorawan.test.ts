import { join } from 'node:path';
import { expect, test } from 'vitest';
import { SteppedClock } from '../../../sim/clock.ts';
import { describeFormat, fixturesIn, messageOf } from '../../../test/conformance/format.ts';
import { foreignIdOf, foreignRecordOf } from '../foreign-record.ts';
import type { ForeignMessage, Reading } from '../format.ts';
import { LorawanFormat } from './lorawan.ts';
import { UplinkMerge } from './uplink-merge.ts';
import { uplinkTimeOf } from './uplink-time.ts';

const fixtures = fixturesIn(join(import.meta.dirname, 'fixtures')).map((fixture) => ({
  ...fixture,
  // What the id follows from is held to what it is for, not to its letters.
  parsed: {
    ...fixture.parsed,
    readings: fixture.parsed.readings.map((reading) => {
      // One that says neither a time nor a number is not known from a copy.
      const isNamed = reading.timestampMs !== undefined || reading.info?.frame_counter !== undefined;
      return isNamed ? { ...reading, identity: expect.any(String) as string } : reading;
    }),
  },
}));
const fixture = (name: string): ForeignMessage =>
  fixtures.find((each) => each.name === name)?.message as ForeignMessage;
const textOf = (name: string): string => Buffer.from(fixture(name).bytes).toString();
const changed = (name: string, from: string | RegExp, to: string): ForeignMessage =>
  messageOf(textOf(name).replace(from, to));
const readingOf = (message: ForeignMessage): Reading => new LorawanFormat().parse(message).readings[0] as Reading;
const heardBy = (name: string, ...gateways: readonly object[]): Reading =>
  readingOf(messageOf(JSON.stringify({ ...(JSON.parse(textOf(name)) as object), GWInfo: gateways })));
const T = Date.UTC(2025, 1, 3, 9);

describeFormat('lorawan', {
  make: () => new LorawanFormat(),
  fixtures,
  malformed: [
    { what: 'a message that is cut', message: messageOf(textOf('air').slice(0, -9)), reason: /is no JSON/ },
    { what: 'no device', message: changed('air', 'DevEui', 'Eui'), reason: /^DevEui is missing/ },
    { what: 'no payload', message: messageOf('{"DevEui":"a","data":"AQ=="}'), reason: /^parsedPayload is no object$/ },
    {
      what: 'an empty payload',
      message: messageOf('{"DevEui":"a","parsedPayload":{}}'),
      reason: /^the message says no value$/,
    },
  ],
  damaged: [
    {
      what: 'a value that is a text',
      message: changed('air', '21.4', '"21.4"'),
      reason: /^parsedPayload\.temperature is no number$/,
    },
    {
      what: 'a door that is both',
      message: changed('door', '"door_status":0', '"door_status":2'),
      reason: /^parsedPayload\.door_status is neither/,
    },
    {
      what: 'a list of values',
      message: changed('air', '912', '[912]'),
      reason: /^parsedPayload\.co2 is an object or a list/,
    },
    {
      what: 'a time that is none',
      message: changed('heard', '86400000', '"noon"'),
      reason: /^GWInfo\[1\]\.sendtime is no time/,
    },
    { what: 'gateways that are no list', message: changed('heard', /\[.*?\]/, '7'), reason: /^GWInfo is no list$/ },
  ],
  zero: {
    message: fixture('door'),
    metrics: { door_open: false, presence: false, x_alarm: 0, x_last_open_minutes: 0 },
  },
  twins: {
    message: fixture('heard'),
    copy: messageOf(
      JSON.stringify({ ...JSON.parse(textOf('heard')), GWInfo: [...JSON.parse(textOf('heard')).GWInfo].reverse() }),
    ),
    other: changed('heard', '"door_status":1', '"door_status":0'),
  },
});

test.each<[string, readonly number[], number | undefined]>([
  ['the earliest where all agree', [T + 900, T, T + 2000], T],
  ['the majority where one is slow by years', [0, T + 5, T], T],
  ['the majority where one is a day ahead', [T + 86_400_000, T + 5, T], T],
  ['the later where two disagree: a clock that was never set is slow', [T, T - 3_600_000], T],
  ['none where no gateway can be right', [0, 86_400_000], undefined],
  ['none where there is none', [], undefined],
])('an uplink was sent at the time of %s', (_, timesMs, expected) => {
  expect(uplinkTimeOf(timesMs)).toBe(expected);
  expect(uplinkTimeOf([...timesMs].reverse())).toBe(expected);
});

test('a light level is no illuminance, and a word for pir that is not known stays a text', () => {
  expect(readingOf(fixture('air')).metrics).not.toHaveProperty('illuminance');
  expect(readingOf(fixture('strange')).metrics).toMatchObject({ x_pir: 'active' });
});

test('what the network server says besides stands in info.uplink, objects and long texts left out', () => {
  const message = changed('air', '"fPort":85', `"fPort":85,"codeRate":"4/5","tags":{"a":1},"raw":"${'f'.repeat(513)}"`);
  expect(readingOf(message).info?.uplink).toEqual({ f_port: 85, code_rate: '4/5', left_out: ['raw'] });
});

test('the id is the same whoever heard it, and another at another time or with another frame counter', () => {
  const id = (reading: Reading): string => foreignIdOf('schools', reading);
  const one = heardBy('heard', { gwname: 'a', sendtime: T });
  expect(id(heardBy('heard', { gwname: 'b', sendtime: T }))).toBe(id(one));
  expect(id(heardBy('heard', { gwname: 'a', sendtime: T + 1 }))).not.toBe(id(one));
  expect(id(readingOf(changed('heard', '"fCnt":7', '"fCnt":8')))).not.toBe(id(readingOf(fixture('heard'))));
});

/** What the merge makes of a reading that came at this time. */
function merged(merge: UplinkMerge, reading: Reading, receivedAtMs = 0) {
  return merge.firstOf(reading, recordOf(reading, receivedAtMs));
}

function recordOf(reading: Reading, receivedAtMs = 0) {
  return foreignRecordOf({ source: 'schools', reading, receivedAtMs });
}

/** As a record of its own would have them. */
function namesOf(reading: Reading, atMs = 0) {
  const { id, timestamp, received_at } = recordOf(reading, atMs);
  return { id, timestamp, received_at };
}

test('of very many gateways the same count, in whatever order they stand', () => {
  const gateways = Array.from({ length: 40 }, (_, index) => ({ gwname: `gw${index}`, sendtime: T + index * 100 }));
  expect(heardBy('heard', ...gateways.toReversed())).toEqual(heardBy('heard', ...gateways));
  expect(heardBy('heard', ...gateways).info?.gateways).toHaveLength(32);
});

test('copies of an uplink become the first of them, in either order, however late within ten minutes', async () => {
  const clock = new SteppedClock();
  const [a, b] = [
    heardBy('heard', { gwname: 'a', sendtime: T }),
    heardBy('heard', { gwname: 'b', sendtime: T + 9000 }),
  ];
  for (const [first, second] of [
    [a, b],
    [b, a],
  ] as const) {
    const merge = new UplinkMerge({ clock, windowMs: 10_000 });
    expect(merged(merge, first)).toEqual(namesOf(first));
    await clock.advance(60_000);
    expect(merged(merge, second, 60_000)).toEqual(namesOf(first));
    expect(merged(merge, second, 60_000)).toEqual(namesOf(first));
  }
});

test('what comes later, from another device, with another value or frame is no copy, and a backlog is none of itself', () => {
  const merge = new UplinkMerge({ clock: new SteppedClock(), windowMs: 10_000 });
  const door = (minutes: number): Reading => heardBy('door', { gwname: 'a', sendtime: T + minutes * 60_000 });
  const backlog = [0, 10, 20].map(door);
  expect(backlog.map((reading) => merged(merge, reading))).toEqual(backlog.map((reading) => namesOf(reading)));
  expect(merged(merge, door(10), 9)).toEqual(namesOf(door(10)));
  for (const other of [
    { ...door(0), sourceId: 'b' },
    { ...door(0), metrics: { door_open: true } },
  ]) {
    expect(merged(merge, other)).toEqual(namesOf(other));
  }
  const frame = heardBy('heard', { gwname: 'a', sendtime: T });
  const next = { ...frame, info: { ...frame.info, frame_counter: 8 } };
  for (const one of [frame, next]) expect(merged(merge, one)).toEqual(namesOf(one));
});

test('without times copies are told by when they come', async () => {
  const clock = new SteppedClock();
  const merge = new UplinkMerge({ clock, windowMs: 10_000 });
  const door = heardBy('door');
  merged(merge, door);
  await clock.advance(10_000);
  expect(merged(merge, door, 10_000)).toEqual(namesOf(door));
  await clock.advance(1);
  expect(merged(merge, door, 10_001)).toEqual(namesOf(door, 10_001));
  expect(namesOf(door, 10_001).id).not.toBe(namesOf(door).id);
});

test('what is remembered is bounded, and forgotten after ten minutes', async () => {
  const clock = new SteppedClock();
  const merge = new UplinkMerge({ clock, windowMs: 10_000, max: 3 });
  const door = (name: string): Reading => ({ ...heardBy('door', { gwname: 'a', sendtime: T }), sourceId: name });
  for (const name of ['a', 'b', 'c', 'd']) merged(merge, door(name));
  expect(merge.size).toBe(3);
  await clock.advance(10 * 60_000 + 1);
  merged(merge, door('e'));
  expect(merge.size).toBe(1);
  const many = new UplinkMerge({ clock, windowMs: 10_000 });
  for (let hour = 0; hour < 1100; hour += 1) {
    merged(many, heardBy('door', { gwname: 'a', sendtime: T + hour * 3_600_000 }));
  }
  expect(many.size).toBe(1024);
});
