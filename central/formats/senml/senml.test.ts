import { join } from 'node:path';
import { expect, test } from 'vitest';
import { describeFormat, fixturesIn, messageOf } from '../../../test/conformance/format.ts';
import { SenmlFormat } from './senml.ts';

const T = 1_677_177_576_989;
const message = (changed: object) =>
  messageOf(JSON.stringify({ t: T, ref: 'jzp://edv#0503.0000', m: [{ k: 'ppm', v: 312.5, u: 'ppm' }], ...changed }));
const measures = (...m: unknown[]) => message({ m });
const good = { k: 'dew_point', v: 12, u: '℃' };

const harness = {
  fixtures: fixturesIn(join(import.meta.dirname, 'fixtures')),
  malformed: [
    { what: 'what is no JSON', message: messageOf("{'t': 1}"), reason: /^the message is no JSON: .*position 1/ },
    { what: 'what is no UTF-8', message: messageOf(Uint8Array.of(0x7b, 0xff)), reason: /^the message is no UTF-8/ },
    { what: 'a list', message: messageOf('[]'), reason: /^the message is no object$/ },
    { what: 'an envelope without device', message: message({ ref: undefined }), reason: /^ref is missing/ },
    { what: 'an envelope without measures', message: message({ m: undefined }), reason: /^m is no list/ },
    { what: 'no measure', message: measures(), reason: /^m has no measure$/ },
    { what: 'a time in words', message: message({ t: 'now' }), reason: /^t is no time/ },
    {
      what: 'a time that there is not',
      message: message({ t: null, tz: '2023-02-30T00:00:00Z' }),
      reason: /^tz is a time/,
    },
    { what: 'only values that are none', message: measures({ k: 'ppm', v: {} }), reason: /^m\[0\]\.v is an object/ },
    { what: 'a deep one', message: messageOf(`${'['.repeat(2000)}${']'.repeat(2000)}`), reason: /more than 16/ },
  ],
  damaged: [
    {
      what: 'a value that is no number',
      message: measures(good, { k: 'pressure', v: '9' }),
      reason: /^m\[1\]\.v is no number$/,
    },
    { what: 'a measure without name', message: measures({ v: 1 }, good), reason: /^m\[0\]\.k is no name/ },
    { what: 'a measure without value', message: measures({ k: 'ppm' }, good), reason: /^m\[0\]\.v is missing/ },
    { what: 'a measure that is none', message: measures(good, 7), reason: /^m\[1\] is no object/ },
    {
      what: 'a time of a measure',
      message: measures(good, { k: 'ppm', v: 1, t: -1 }),
      reason: /^m\[1\]\.t is a time outside/,
    },
    { what: 'a unit that is none', message: measures(good, { k: 'ppm', v: 1, u: 7 }), reason: /^m\[1\]\.v has a unit/ },
  ],
  zero: {
    message: measures(
      { k: 'presence', v: 0 },
      { k: 'orientation', v: 0 },
      { k: 'regular', v: false },
      { ...good, v: -0 },
    ),
    metrics: { presence: false, x_orientation: 0, x_regular: false, dew_point: 0 },
  },
  twins: {
    message: measures(good, { k: 'ppm', v: 312.5 }),
    copy: measures({ u: 'C', v: 12, k: 'dew_point' }, { k: 'ppm', v: 312.5 }),
    other: measures(good, { k: 'ppm', v: 312.6 }),
  },
};

describeFormat('senml', { ...harness, make: () => new SenmlFormat() });
describeFormat('senml, split', {
  ...harness,
  fixtures: harness.fixtures.slice(0, 1),
  make: () => new SenmlFormat({ split: true }),
});

test('split, each time that measures name is a reading; without one of its own the envelope has it', () => {
  const { readings } = new SenmlFormat({ split: true }).parse(
    measures({ k: 'ppm', v: 1, t: T - 1000 }, good, { k: 'illuminance', v: 2, u: 'lx', t: T - 1000 }),
  );
  expect(readings.map(({ timestampMs, metrics }) => [timestampMs, metrics])).toEqual([
    [T - 1000, { x_ppm: 1, illuminance: 2 }],
    [T, { dew_point: 12 }],
  ]);
});

test('a measure that is named twice is lost neither whole nor split', () => {
  const twice = measures({ k: 'ppm', v: 1, d: 'a' }, { k: 'ppm', v: 2, d: 'b' }, good);
  for (const split of [false, true]) {
    const { readings, refused } = new SenmlFormat({ split }).parse(twice);
    expect(readings).toMatchObject([
      { timestampMs: T, metrics: { x_ppm: 1, dew_point: 12 }, info: { peers: { x_ppm: 'a' } } },
      { timestampMs: T, metrics: { x_ppm: 2 }, info: { peers: { x_ppm: 'b' } } },
    ]);
    expect(refused).toEqual([]);
  }
});

test('the time is tz where there is no t, that of the first measure where the envelope has none, and else nobody knows', () => {
  const timeOf = (changed: object) =>
    new SenmlFormat().parse(message({ t: undefined, ...changed })).readings[0]?.timestampMs;
  expect(timeOf({ tz: '2023-02-23T19:39:36.989+01:00' })).toBe(T);
  expect(timeOf({ m: [{ ...good, t: T - 5 }] })).toBe(T - 5);
  expect(timeOf({})).toBeUndefined();
});

test('a value of null is missing, and names of the configuration count before its own', () => {
  const format = new SenmlFormat({ metrics: { ppm: 'co2' } });
  const { readings } = format.parse(measures({ k: 'ppm', v: 400, u: 'ppm' }, { k: 'pressure', v: null, u: 'Pa' }));
  expect(readings).toMatchObject([{ metrics: { co2: 400 }, missing: ['pressure'] }]);
});
