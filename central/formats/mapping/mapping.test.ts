import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { describeFormat, fixturesIn, messageOf } from '../../../test/conformance/format.ts';
import type { ForeignMessage, Format } from '../format.ts';
import { TimeZone } from '../time-zone.ts';
import { MappingFormat } from './mapping.ts';
import { loadMapping } from './mapping-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'mooring-mapping-'));
afterAll(() => rmSync(folder, { recursive: true }));

const EXAMPLES = join(import.meta.dirname, '../../../deploy/mappings');
const exampleOf = (name: string): (() => Format) => {
  const mapping = loadMapping(join(EXAMPLES, name));
  return () => new MappingFormat(mapping);
};
const fixturesOf = (name: string) => fixturesIn(join(import.meta.dirname, 'fixtures', name));

/** A format of the mapping in `yaml`. */
function formatOf(yaml: string): Format {
  const file = join(folder, 'm.yaml');
  writeFileSync(file, yaml);
  return new MappingFormat(loadMapping(file));
}

const TOPIC = 'm/east/W1';
const weather = (...readings: readonly object[]): ForeignMessage =>
  messageOf(JSON.stringify({ logger: { serial: 'a', lat: 1, lon: 2 }, readings }));
const CALM = { ts: 1_767_261_600, air: { temp: 32, rh: 0 }, wind: [0, 0], motion: 'quiet' };

describeFormat('mapping: JSON with a list of readings', {
  make: exampleOf('weather-station.yaml'),
  fixtures: fixturesOf('weather'),
  malformed: [
    { what: 'a message that is cut', message: messageOf('{"readings": ['), reason: /is no JSON/ },
    { what: 'no list', message: messageOf('{"readings":{}}'), reason: /^readings is no list$/ },
    { what: 'an empty list', message: weather(), reason: /^the message has no entry$/ },
    {
      what: 'no device',
      message: messageOf('{"readings":[{"air":{"temp":1}}]}'),
      reason: /^\$\.logger\.serial is missing/,
    },
    {
      what: 'no entry that can be used',
      message: weather({}, { ts: 1 }),
      reason: /^readings\[0\] says no value, and 1 more$/,
    },
  ],
  damaged: [
    { what: 'an entry without a value', message: weather(CALM, { ts: 1 }), reason: /^readings\[1\] says no value$/ },
    { what: 'an entry that is none', message: weather(CALM, [7]), reason: /^readings\[1\] says no value$/ },
    {
      what: 'a value that is a text',
      message: weather({ ...CALM, baro: '1013' }),
      reason: /^readings\[0\]\.baro is no number$/,
    },
    {
      what: 'a word that means nothing',
      message: weather({ ...CALM, motion: 'odd' }),
      reason: /^readings\[0\]\.motion is none of quiet, moving$/,
    },
  ],
  zero: { message: weather(CALM), metrics: { temperature: 0, humidity: 0, wind_speed: 0, presence: false } },
  twins: { message: weather(CALM), copy: weather({ ...CALM }), other: weather({ ...CALM, motion: 'moving' }) },
});

describeFormat('mapping: delimited lines', {
  make: exampleOf('meters.yaml'),
  fixtures: fixturesOf('meters'),
  malformed: [
    { what: 'nothing', message: messageOf('\n', TOPIC), reason: /^the message has no entry$/ },
    {
      what: 'a line that is cut',
      message: messageOf('01.07.2026;9:15;10', TOPIC),
      reason: /^the message has 3 of 6 fields$/,
    },
    {
      what: 'a line without a topic',
      message: messageOf('01.07.2026;9:15;1;1;;shut'),
      reason: /^\$topic\.1 is missing/,
    },
    {
      what: 'another time',
      message: messageOf('2026-07-01;9:15;1;1;;shut', TOPIC),
      reason: /^date does not have the form/,
    },
    {
      what: 'a day that there is not',
      message: messageOf('31.06.2026;9:15;1;1;;shut', TOPIC),
      reason: /^date is a time that there is not/,
    },
    { what: 'half a time', message: messageOf(Uint8Array.of(0xff), TOPIC), reason: /is no UTF-8 text$/ },
  ],
  damaged: [
    {
      what: 'a line of several',
      message: messageOf('01.07.2026;9:15;1;1;;shut\n;;\n', TOPIC),
      reason: /^line 2 has 3 of 6 fields$/,
    },
    {
      what: 'a number with a point',
      message: messageOf('01.07.2026;9:15;1.5;1;;shut', TOPIC),
      reason: /^volume is no number$/,
    },
    {
      what: 'a word that means nothing',
      message: messageOf('01.07.2026;9:15;1;1;;ajar', TOPIC),
      reason: /^door is none of open, shut$/,
    },
  ],
  zero: {
    message: messageOf('01.07.2026;9:15;0;-0,0;;shut', TOPIC),
    metrics: { x_volume: 0, battery_voltage: 0, door_open: false },
  },
  twins: {
    message: messageOf('01.07.2026;9:15;1,50;1;a;shut\n', TOPIC),
    copy: messageOf('01.07.2026;9:15; 1,5;1;b;SHUT', TOPIC),
    other: messageOf('01.07.2026;9:15;1,6;1;a;shut', TOPIC),
  },
});

const named = (...values: readonly unknown[]): ForeignMessage =>
  messageOf(JSON.stringify({ dev: 'a', at: '2026-01-31T12:00:00Z', values }));

describeFormat('mapping: values with their names', {
  make: exampleOf('named-values.yaml'),
  fixtures: fixturesOf('named'),
  malformed: [
    {
      what: 'a time without an offset',
      message: messageOf('{"dev":"a","at":"2026-01-31 12:00","values":[{"n":"temp","v":1}]}'),
      reason: /^at says no zone/,
    },
    {
      what: 'values that are no list',
      message: messageOf('{"dev":"a","values":7}'),
      reason: /^the message says no value: values is no list$/,
    },
  ],
  damaged: [
    {
      what: 'a value without a name',
      message: named({ n: 'temp', v: 1 }, { v: 2 }),
      reason: /^values\[1\]\.n is no name of a value$/,
    },
    {
      what: 'a second value',
      message: named({ n: 'temp', v: 1 }, { n: 'TEMP', v: 2 }),
      reason: /^values\[1\]\.v is a second value of temperature/,
    },
    {
      what: 'an object as a value',
      message: named({ n: 'hum', v: 1 }, { n: 'y', v: {} }),
      reason: /^values\[1\]\.v is an object or a list/,
    },
  ],
  zero: { message: named({ n: 'lux', v: 0 }, { n: 'ok', v: false }), metrics: { illuminance: 0, x_ok: false } },
  twins: {
    message: named({ n: 'temp', v: 1 }, { n: 'hum', v: 2 }),
    copy: named({ n: 'hum', v: 2 }, { n: 'temp', v: 1, u: 'C' }),
    other: named({ n: 'temp', v: 1 }, { n: 'hum', v: 3 }),
  },
});

const JSON_BEGIN = 'message: json\nsource_id: id\n';
const readingsOf = (yaml: string, message: string, topic?: string) =>
  formatOf(yaml).parse(messageOf(message, topic)).readings;

describe('what a mapping may say', () => {
  test('the message may be the list itself, and an object may hold the names', () => {
    expect(
      readingsOf(
        `${JSON_BEGIN}each: $\nnamed: { each: v, metrics: { t: temperature } }\n`,
        '[{"id":1,"v":{"t":0,"u":2}}]',
      ),
    ).toEqual([{ sourceId: '1', timestampMs: undefined, metrics: { temperature: 0, x_u: 2 } }]);
  });

  test('a key with a dot in it stands in quotes; one that every object inherits is none', () => {
    const yaml = `${JSON_BEGIN}metrics: { temperature: 'a."b.c".1', x_y: a.constructor, x_z: $.__proto__ }\n`;
    expect(readingsOf(yaml, '{"id":"x","a":{"b.c":[1,2]}}')[0]?.metrics).toEqual({ temperature: 2 });
  });

  test('numbers may come as texts where the mapping says so, and scaling leaves no digits of its own', () => {
    const yaml = `${JSON_BEGIN}metrics: { temperature: { field: t, type: number, scale: 0.1, offset: -40 } }\n`;
    expect(readingsOf(yaml, '{"id":"x","t":"615"}')[0]?.metrics).toEqual({ temperature: 21.5 });
    expect(() => readingsOf(yaml, '{"id":"x","t":"6l5"}')).toThrow(/^t is no number$/);
  });

  test('words may be numbers, and mean numbers, texts or booleans', () => {
    const yaml = `${JSON_BEGIN}metrics: { x_mode: { field: m, words: { 0: off, 1: on } }, door_open: { field: d, words: { Auf: true } } }\n`;
    expect(readingsOf(yaml, '{"id":"x","m":1,"d":"auf"}')[0]?.metrics).toEqual({ x_mode: 'on', door_open: true });
  });

  test('quoted fields of a line may hold the separator', () => {
    const yaml =
      'message: delimited\nseparator: ","\nquotes: true\ncolumns: [id, t]\nsource_id: id\nmetrics: { temperature: t }\n';
    expect(readingsOf(yaml, '"a, ""b""",-0\n')).toMatchObject([{ sourceId: 'a, "b"', metrics: { temperature: 0 } }]);
    expect(() => readingsOf(yaml, '"a,1')).toThrow(/^line 1 has a quote that is not closed$/);
  });

  test.each([
    ['form: auto', '"2026-01-31T12:00:00Z"', '2026-01-31T12:00:00.000Z'],
    ['form: auto', '1769860800', '2026-01-31T12:00:00.000Z'],
    ['form: epoch_ms', '"1769860800000"', '2026-01-31T12:00:00.000Z'],
    ['form: digits, zone: Europe/Athens', '20260131120000', '2026-01-31T10:00:00.000Z'],
    ['form: local, zone: Europe/Athens', '"2026-07-31 12:00:00.5"', '2026-07-31T09:00:00.500Z'],
    [
      'form: pattern, pattern: "M/D/YYYY h:mm:ss.S A", zone: UTC',
      '"1/2/2026 12:05:06.25 am"',
      '2026-01-02T00:05:06.250Z',
    ],
    ['form: pattern, pattern: "YYYYMMDD\'T\'HHmm", zone: UTC', '"20260102T2359"', '2026-01-02T23:59:00.000Z'],
  ])('a time may be {%s}', (rule, value, expected) => {
    const yaml = `${JSON_BEGIN}time: { field: t, ${rule} }\nmetrics: { temperature: v }\n`;
    const [reading] = readingsOf(yaml, `{"id":"x","v":1,"t":${value}}`);
    expect(new Date(reading?.timestampMs ?? 0).toISOString()).toBe(expected);
  });

  test('an hour of a half day goes from 1 to 12', () => {
    const yaml = `${JSON_BEGIN}time: { field: t, form: pattern, pattern: "D.M.YYYY h:mmA", zone: UTC }\nmetrics: { temperature: v }\n`;
    expect(() => readingsOf(yaml, '{"id":"x","v":1,"t":"1.2.2026 13:00PM"}')).toThrow(
      /^t has an hour that there is not: 13 PM$/,
    );
  });

  test('a zone that the mapping leaves open is the one of the source', () => {
    const file = join(folder, 'zone.yaml');
    writeFileSync(file, `${JSON_BEGIN}time: { field: t, form: local }\nmetrics: { temperature: v }\n`);
    const format = new MappingFormat(loadMapping(file, { zone: new TimeZone('Europe/Athens') }));
    expect(format.parse(messageOf('{"id":"x","v":1,"t":"2026-01-31 12:00"}')).readings[0]?.timestampMs).toBe(
      Date.UTC(2026, 0, 31, 10),
    );
  });
});
