import fc from 'fast-check';
import { expect, it } from 'vitest';
import { encodedRecordBytes } from '../../protocol/batch-codec.ts';
import { METRICS, type MetricType } from '../../protocol/metrics.ts';
import { BOUNDS, type Flag, type MetricValue, type SequencedRecord } from '../../protocol/record.ts';
import { anyNumber } from '../../test/protocol/records.ts';
import { recordBytesMax } from './record-size.ts';

const TYPES: readonly MetricType[] = ['number', 'boolean', 'text'];

/** The largest of each type, and others. */
const VALUES: Readonly<Record<MetricType, fc.Arbitrary<MetricValue>>> = {
  number: fc.oneof(anyNumber, fc.constantFrom(Math.PI, -Number.MAX_VALUE, 2 ** 50 - 1, 1e-14)),
  boolean: fc.boolean(),
  text: fc.oneof(
    fc.constantFrom('x'.repeat(BOUNDS.textBytes), 'é'.repeat(BOUNDS.textBytes / 2), ''),
    fc.string({ maxLength: BOUNDS.textBytes }),
  ),
};

const REGISTERED = METRICS.map(({ name, type }) => ({ name, type }));
const DECLARED = Array.from({ length: 12 }, (_, index) => ({
  name: 'declared_'.padEnd(10 + 3 * index, 'x'),
  type: TYPES[index % TYPES.length] as MetricType,
}));

const anySample = fc.subarray([...REGISTERED, ...DECLARED]).chain((metrics) =>
  fc.record({
    metrics: fc.constant(metrics),
    station: fc.constantFrom('a', 'city-1', 'b'.repeat(63)),
    values: fc.tuple(...metrics.map(({ type }) => fc.option(VALUES[type], { nil: undefined, freq: 8 }))),
    flag: fc.constantFrom<Flag>(2, 3, 4, 9),
    sequence: fc.integer({ min: 1, max: BOUNDS.sequenceMax }),
    timestampMs: fc.integer({ min: 0, max: BOUNDS.timestampMsMax }),
    alt: anyNumber,
  }),
);

it('is never exceeded by a sample, whatever its metrics read', () => {
  let tightest = Number.POSITIVE_INFINITY;
  fc.assert(
    fc.property(anySample, ({ metrics, station, values, flag, sequence, timestampMs, alt }) => {
      const record: SequencedRecord = {
        sequence,
        station,
        kind: 'sample',
        timestampMs,
        clock: 'unsynced',
        metrics: Object.fromEntries(
          metrics.flatMap(({ name }, index) => (values[index] === undefined ? [] : [[name, values[index]]])),
        ),
        flags: Object.fromEntries(metrics.map(({ name }) => [name, flag])),
        location: { lat: -Math.PI, lon: -Math.E, alt },
      };
      const spare = recordBytesMax(station, metrics) - encodedRecordBytes(record);
      expect(spare).toBeGreaterThanOrEqual(0);
      tightest = Math.min(tightest, spare);
    }),
    { numRuns: 500 },
  );
  // A bound far too high would refuse configurations without need.
  expect(tightest).toBeLessThan(64);
});
