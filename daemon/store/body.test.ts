import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodedRecordBytes } from '../../protocol/batch-codec.ts';
import { METRICS } from '../../protocol/metrics.ts';
import { BOUNDS, CLOCK_STATES, type MetricValue, type Observation, RECORD_KINDS } from '../../protocol/record.ts';
import type { MooringError } from '../../runtime/errors.ts';
import { decodeBody, encodeBody } from './body.ts';
import { ByteReader, ByteWriter } from './byte-stream.ts';
import { LABEL } from './fixtures/observations.ts';
import { ObservationCheck } from './observation-check.ts';
import { packed, unpacked } from './packing.ts';

const finite = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0 || 0);
const rounded = fc
  .tuple(fc.integer({ min: -(10 ** 9), max: 10 ** 9 }), fc.integer({ min: 0, max: 6 }))
  .map(([whole, decimals]) => Number((whole / 10 ** decimals).toFixed(decimals)) || 0);
const number = fc.oneof(
  finite,
  rounded,
  fc.maxSafeInteger().map((value) => value || 0),
);
const text = fc.string({ unit: 'grapheme', maxLength: 30 });
const flag = fc.constantFrom(2 as const, 3 as const, 4 as const, 9 as const);
const known = METRICS.filter(({ type }) => type === 'number').map(({ name }) => name);
const name = fc.oneof(fc.constantFrom(...known), fc.stringMatching(/^z[a-z0-9_]{0,47}$/));
const typed = fc.oneof(
  fc.tuple(name, number),
  fc.tuple(fc.constantFrom('door_open', 'presence'), fc.boolean()),
  fc.tuple(fc.constant('modem_state'), text),
);
const observation: fc.Arbitrary<Observation> = fc
  .record({
    station: fc.constantFrom('buoy-7', 'a', 'x'.repeat(63)),
    kind: fc.constantFrom(...RECORD_KINDS),
    timestampMs: fc.integer({ min: 0, max: BOUNDS.timestampMsMax }),
    clock: fc.constantFrom(...CLOCK_STATES),
    metrics: fc.array(typed, { maxLength: 40 }).map((pairs) => Object.fromEntries<MetricValue>(pairs)),
    flags: fc.dictionary(fc.constantFrom(...known), flag, { maxKeys: 10, noNullPrototype: true }),
    location: fc.option(
      fc.record({
        lat: number.map((value) => value % 90 || 0),
        lon: number.map((value) => value % 180 || 0),
        alt: number,
      }),
      { nil: undefined },
    ),
    info: fc.option(
      fc.dictionary(fc.stringMatching(/^[a-z_]{1,12}$/), fc.oneof(number, text, fc.boolean()), {
        noNullPrototype: true,
      }),
      {
        nil: undefined,
      },
    ),
  })
  .map(({ location, info, ...rest }) => ({
    ...rest,
    ...(location === undefined ? {} : { location }),
    ...(info === undefined ? {} : { info }),
  }));

test('a record comes back bit for bit', () => {
  fc.assert(
    fc.property(fc.array(observation, { minLength: 1, maxLength: 5 }), (observations) => {
      const sequences = observations.map((_, index) => index + 1);
      expect(unpacked(packed(observations), sequences)).toEqual(
        observations.map((one, index) => ({ sequence: index + 1, ...one, metrics: { ...one.metrics } })),
      );
    }),
    { numRuns: 1000 },
  );
});

test('nine metrics take some 40 bytes', () => {
  const writer = new ByteWriter();
  const [temperature, humidity, pressure] = [21.43, 55.17, 1013.25];
  const rest = { air_quality: 42.1, particulate_matter: 12.5, noise_level: 51.3, illuminance: 311.4, wind_speed: 3.21 };
  encodeBody(writer, { ...LABEL, metrics: { temperature, humidity, pressure, ...rest, rainfall: 0 }, flags: {} });
  expect(writer.length).toBe(2 + 9 * 2 + 8 * 2 + 3 - 2 + 1);
});

test('bytes that are no body are refused, and nothing else happens', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      try {
        decodeBody(new ByteReader(bytes));
      } catch (error) {
        expect(error instanceof RangeError || error instanceof SyntaxError).toBe(true);
      }
    }),
    { numRuns: 5000 },
  );
});

test('the check lets in what encodes within the bound, and nothing else', () => {
  const check = new ObservationCheck();
  const verdict = (one: Observation): string => {
    try {
      check.require(one);
      return 'passed';
    } catch (error) {
      return (error as MooringError).code;
    }
  };
  fc.assert(
    fc.property(observation, (one) => {
      const record = { ...one, sequence: BOUNDS.sequenceMax };
      let expected = 'passed';
      try {
        if (encodedRecordBytes(record) > BOUNDS.recordBytes) expected = 'RECORD_TOO_LARGE';
      } catch (error) {
        expected = (error as { code: string }).code === 'BOUNDS' ? 'RECORD_TOO_LARGE' : 'RECORD_INVALID';
      }
      expect(verdict(one)).toBe(expected);
    }),
    { numRuns: 2000 },
  );
});

test.each<[string, Partial<Observation>]>([
  ['a number that is none', { metrics: { temperature: Number.NaN } }],
  ['minus zero', { metrics: { temperature: -0 } }],
  ['a value of another type than the registry has', { metrics: { temperature: 'warm' } }],
  ['a name that no metric may have', { metrics: { Temperature: 1 } }],
  ['a name that a record has itself', { metrics: { station: 1 } }],
  ['a flag that there is not', { flags: { temperature: 7 as never } }],
  ['a station that there cannot be', { station: 'Buoy 7' }],
  ['a time before 1970', { timestampMs: -1 }],
  ['a time within a millisecond', { timestampMs: 0.5 }],
  ['a place that is not on Earth', { location: { lat: 91, lon: 0 } }],
  ['a kind that there is not', { kind: 'note' as never }],
  ['half a character', { metrics: { note: '\ud83c' } }],
])('%s is refused', (_, wrong) => {
  const right: Observation = { station: 'buoy-7', kind: 'sample', ...LABEL, metrics: { temperature: 1 }, flags: {} };
  const check = new ObservationCheck();
  check.require(right);
  expect(() => check.require({ ...right, ...wrong })).toThrow(
    expect.objectContaining({ name: 'MooringError', code: 'RECORD_INVALID' }),
  );
});
