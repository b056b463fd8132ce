import { describe, expect, test } from 'vitest';
import type { JsonValue } from '../../protocol/record.ts';
import { anyTimeOf, digitsTimeOf, epochTimeOf, textTimeOf } from './foreign-time.ts';
import { TimeZone } from './time-zone.ts';

const athens = new TimeZone('Europe/Athens');
const paris = new TimeZone('Europe/Paris');
const iso = (timestampMs: number | undefined): string => new Date(timestampMs ?? Number.NaN).toISOString();

test.each([
  [1_677_177_576_989, '2023-02-23T18:39:36.989Z'],
  [1_677_177_576, '2023-02-23T18:39:36.000Z'],
  [1_700_000_000.123, '2023-11-14T22:13:20.123Z'],
  [1_700_000_000.1299, '2023-11-14T22:13:20.129Z'],
  [0, '1970-01-01T00:00:00.000Z'],
  [99_999_999_999, '5138-11-16T09:46:39.000Z'],
  [100_000_000_000, '1973-03-03T09:46:40.000Z'],
])('the number %d is %s', (value, expected) => {
  expect(iso(epochTimeOf(value, 't').timestampMs)).toBe(expected);
});

test.each([
  [5, 'ms', '1970-01-01T00:00:00.005Z'],
  [200_000_000_000, 's', '8307-10-01T19:33:20.000Z'],
] as const)('%d %s is what the unit says', (value, unit, expected) => {
  expect(iso(epochTimeOf(value, 't', unit).timestampMs)).toBe(expected);
});

test.each([
  ['2024-01-21 10:06:04.123456', '2024-01-21T09:06:04.123Z'],
  ['2024-01-21 10:06:04', '2024-01-21T09:06:04.000Z'],
  ['2024-01-21 10:06', '2024-01-21T09:06:00.000Z'],
  ['2024-07-21T10:06:04.9', '2024-07-21T08:06:04.900Z'],
  ['2024-02-29 23:59:59.999999', '2024-02-29T22:59:59.999Z'],
])('%s in Paris is %s', (text, expected) => {
  const { timestampMs, info } = textTimeOf(text, 'timestamp', paris);
  expect(iso(timestampMs)).toBe(expected);
  expect(info).toEqual({ source_time: text });
});

test.each([
  ['2024-01-21T10:06:04.123Z', '2024-01-21T10:06:04.123Z'],
  ['2024-01-21T10:06:04+02:00', '2024-01-21T08:06:04.000Z'],
  ['2024-01-21 10:06:04-0330', '2024-01-21T13:36:04.000Z'],
  ['2024-01-21 10:06+01', '2024-01-21T09:06:00.000Z'],
])('%s has its own offset, and the zone of the source is not asked', (text, expected) => {
  expect(textTimeOf(text, 't', athens)).toEqual({ timestampMs: Date.parse(expected), info: {} });
  expect(textTimeOf(text, 't', undefined)).toEqual({ timestampMs: Date.parse(expected), info: {} });
});

describe('where summer time begins and ends', () => {
  test.each([
    ['2023-03-26 02:59', '2023-03-26T00:59:00.000Z', undefined],
    ['2023-03-26 03:00', '2023-03-26T01:00:00.000Z', 'gap'],
    ['2023-03-26 03:30', '2023-03-26T01:30:00.000Z', 'gap'],
    ['2023-03-26 04:00', '2023-03-26T01:00:00.000Z', undefined],
    ['2023-10-29 02:59', '2023-10-28T23:59:00.000Z', undefined],
    ['2023-10-29 03:00', '2023-10-29T00:00:00.000Z', 'fold'],
    ['2023-10-29 03:59', '2023-10-29T00:59:00.000Z', 'fold'],
    ['2023-10-29 04:00', '2023-10-29T02:00:00.000Z', undefined],
  ])('%s in Athens is %s, and says so where it is %s', (text, expected, local) => {
    const { timestampMs, info } = textTimeOf(text, 't', athens);
    expect(iso(timestampMs)).toBe(expected);
    expect(info.source_time_local).toBe(local);
  });

  test('Lord Howe Island goes forward by half an hour', () => {
    const island = new TimeZone('Australia/Lord_Howe');
    expect(textTimeOf('2023-10-01 02:15', 't', island)).toMatchObject({
      timestampMs: Date.parse('2023-10-01T02:15:00+10:30'),
      info: { source_time_local: 'gap' },
    });
  });

  test('every half hour of a year is read as the runtime writes it', () => {
    const format = new Intl.DateTimeFormat('sv-SE', { timeZone: athens.name, dateStyle: 'short', timeStyle: 'medium' });
    const start = Date.UTC(2024, 0, 1);
    for (let timestampMs = start; timestampMs < start + 366 * 86_400_000; timestampMs += 1_800_000) {
      const read = textTimeOf(format.format(timestampMs), 't', athens);
      const laterMs = read.info.source_time_local === 'fold' ? 3_600_000 : 0;
      expect([timestampMs, timestampMs - laterMs]).toContain(read.timestampMs);
    }
  });
});

test('YYYYMMDDhhmmss is local time', () => {
  expect(iso(digitsTimeOf(20_230_701_123_045, 't', paris).timestampMs)).toBe('2023-07-01T10:30:45.000Z');
  expect(iso(digitsTimeOf('20230701123045', 't', new TimeZone('UTC')).timestampMs)).toBe('2023-07-01T12:30:45.000Z');
});

test.each<[JsonValue, string]>([
  [1_677_177_576_989, '2023-02-23T18:39:36.989Z'],
  ['1677177576989', '2023-02-23T18:39:36.989Z'],
  ['1677177576.5', '2023-02-23T18:39:36.500Z'],
  [20_230_701_123_045, '2023-07-01T10:30:45.000Z'],
  ['2023-07-01 12:30:45', '2023-07-01T10:30:45.000Z'],
  ['2023-07-01T12:30:45Z', '2023-07-01T12:30:45.000Z'],
])('%s is known by its shape', (value, expected) => {
  expect(iso(anyTimeOf(value, 't', paris)?.timestampMs)).toBe(expected);
});

test('no time is no time', () => {
  expect(anyTimeOf(undefined, 't', paris)).toBeUndefined();
  expect(anyTimeOf(null, 't', paris)).toBeUndefined();
});

test.each<[JsonValue, RegExp]>([
  ['2023-02-29 10:00', /^t is a time that there is not: "2023-02-29 10:00"$/],
  ['2023-13-01 10:00', /there is not/],
  ['2023-01-01 24:00', /there is not/],
  ['2023-01-01 10:60', /there is not/],
  ['0050-01-01 10:00', /there is not|outside/],
  ['2023-01-01 10:00+25:00', /offset/],
  ['20231301000000', /there is not/],
  ['20240315', /^t is a date without seconds: "20240315"$/],
  ['202403151030', /is a date without seconds/],
  [0, /before 2000$/],
  ['86400', /before 2000$/],
  [20_240_315, /before 2000$/],
  ['yesterday', /^t is no time: "yesterday"$/],
  ['', /is no time/],
  [true, /is no time/],
  [-1, /outside 1970 to 9999/],
  [1e300, /outside 1970 to 9999/],
  [Number.NaN, /outside 1970 to 9999/],
])('%s is refused', (value, reason) => {
  expect(() => anyTimeOf(value, 't', paris)).toThrow(reason);
});

test('a time without a zone is refused where the source has none', () => {
  expect(() => textTimeOf('2023-01-01 10:00', 'timestamp', undefined)).toThrow(/^timestamp says no zone/);
  expect(() => new TimeZone('Europe/Atlantis')).toThrow(RangeError);
});
