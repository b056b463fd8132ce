import fc from 'fast-check';
import { METRICS, type MetricType, metricNamed } from '../../protocol/metrics.ts';
import {
  BOUNDS,
  CLOCK_STATES,
  type Flag,
  GATEWAY_STATION,
  type Info,
  type JsonValue,
  type Location,
  type MetricValue,
  RECORD_KINDS,
  RESERVED_KEYS,
  type SequencedRecord,
} from '../../protocol/record.ts';

/** Any number that a record may hold: every double, and far more often what sensors give. */
export const anyNumber: fc.Arbitrary<number> = fc
  .oneof(
    { weight: 1, arbitrary: fc.double({ noNaN: true, noDefaultInfinity: true }) },
    { weight: 1, arbitrary: fc.maxSafeInteger() },
    { weight: 4, arbitrary: decimal(100_000_000) },
  )
  .map(withoutNegativeZero);

const anyText = fc
  .oneof(
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.string({ maxLength: 100 }),
    fc.uuid(),
    fc.stringMatching(/^[0-9a-f]{0,64}$/),
    fc.constantFrom('', '\uFEFF', '°C', 'event', 'previous', '__proto__', 'constructor'),
  )
  .filter((text) => text.isWellFormed() && Buffer.byteLength(text) <= BOUNDS.textBytes);

const customName = fc
  .stringMatching(/^[a-z][a-z0-9_]{0,47}$/)
  .filter((name) => !RESERVED_KEYS.has(name) && metricNamed(name) === undefined);

const anyMetricName = fc.oneof(
  fc.constantFrom(...METRICS.map(({ name }) => name)),
  fc.constantFrom('constructor', 'x_door', 'housing_temperature'),
  customName,
);

const TYPES: readonly MetricType[] = ['number', 'boolean', 'text'];

const anyMetric = fc.record({ name: anyMetricName, type: fc.constantFrom(...TYPES) }).map(({ name, type }) => ({
  name,
  type: metricNamed(name)?.type ?? type,
}));

const anyLocation: fc.Arbitrary<Location> = fc.record(
  {
    lat: fc.oneof(degrees(90), fc.double({ min: -90, max: 90, noNaN: true })).map(withoutNegativeZero),
    lon: fc.oneof(degrees(180), fc.double({ min: -180, max: 180, noNaN: true })).map(withoutNegativeZero),
    alt: anyNumber,
  },
  { requiredKeys: ['lat', 'lon'], noNullPrototype: true },
);

const anyRanges = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 1000 }), fc.integer({ min: 0, max: 1000 })), {
    minLength: 1,
    maxLength: 40,
  })
  .map((steps) => {
    let last = 0;
    return steps.map(([distance, length]): [number, number] => {
      const first = last + 1 + distance;
      last = first + length;
      return [first, last];
    });
  });

const anyInfo: fc.Arbitrary<Info> = fc.oneof(
  fc.record({ event: anyText, previous: fc.uuid() }, { noNullPrototype: true }),
  fc.record(
    {
      run: fc.stringMatching(/^[0-9a-f]{32}$/),
      ranges: anyRanges,
      count: fc.nat(),
      reason: fc.constantFrom('dropped', 'rejected'),
    },
    { noNullPrototype: true },
  ),
  fc
    .dictionary(
      anyText.filter((key) => key !== '__proto__'),
      fc
        .jsonValue({ maxDepth: BOUNDS.infoDepth - 2 })
        .filter(isPlain)
        .map(ofInfo),
      { maxKeys: 6, noNullPrototype: true },
    )
    .map((info) => info as Info),
);

/** Sequences that ascend, nearly all of them without a hole. */
function sequences(count: number): fc.Arbitrary<number[]> {
  const steps = fc.array(fc.oneof({ weight: 9, arbitrary: fc.constant(1) }, fc.integer({ min: 2, max: 2 ** 32 })), {
    minLength: count,
    maxLength: count,
  });
  return fc.tuple(fc.integer({ min: 0, max: 2 ** 47 - 2 ** 40 }), steps).map(([before, distances]) => {
    let last = before;
    let holes = 0;
    return distances.map((distance) => {
      holes += distance > 1 ? 1 : 0;
      last += holes < BOUNDS.rangesPerBatch - 1 ? distance : 1;
      return last;
    });
  });
}

function times(count: number): fc.Arbitrary<number[]> {
  return fc.oneof(
    fc
      .tuple(
        fc.integer({ min: 0, max: 2e12 }),
        fc.constantFrom(0, 1, 1000, 60_000),
        fc.array(fc.integer({ min: 0, max: 3 })),
      )
      .map(([start, step, jitter]) =>
        Array.from({ length: count }, (_, row) => start + row * step + (jitter[row % (jitter.length || 1)] ?? 0)),
      ),
    fc.array(fc.integer({ min: BOUNDS.timestampMsMin, max: BOUNDS.timestampMsMax }), {
      minLength: count,
      maxLength: count,
    }),
  );
}

/** One metric's values over all records: present now and then or always, alike or not, flagged or not. */
function cells(
  type: MetricType,
  count: number,
): fc.Arbitrary<{ value: MetricValue | undefined; flag: Flag | undefined }[]> {
  const value: fc.Arbitrary<MetricValue> = type === 'number' ? anyNumber : type === 'boolean' ? fc.boolean() : anyText;
  const column = fc.oneof(
    fc.array(value, { minLength: count, maxLength: count }),
    value.map((same) => new Array<MetricValue>(count).fill(same)),
    type === 'number' ? decimalWalk(count) : fc.array(value, { minLength: count, maxLength: count }),
  );
  const isPresent = fc.oneof(
    fc.constant(new Array<boolean>(count).fill(true)),
    fc.integer({ min: 1, max: 20 }).map((every) => Array.from({ length: count }, (_, row) => row % every === 0)),
    fc.array(fc.boolean(), { minLength: count, maxLength: count }),
  );
  const flag = fc.constantFrom<(Flag | undefined)[]>(undefined, undefined, undefined, undefined, 2, 3, 4, 9);
  const flags = fc.oneof(
    fc.constant(new Array<Flag | undefined>(count).fill(undefined)),
    fc.array(flag, { minLength: count, maxLength: count }),
  );
  return fc
    .tuple(column, isPresent, flags)
    .map(([values, present, flagged]) =>
      values.map((each, row) => ({ value: present[row] === true ? each : undefined, flag: flagged[row] })),
    );
}

/** Any records that may be one batch. */
export const anyRecords: fc.Arbitrary<SequencedRecord[]> = fc
  .oneof({ weight: 3, arbitrary: fc.integer({ min: 1, max: 12 }) }, fc.integer({ min: 13, max: 80 }))
  .chain((count) =>
    fc.tuple(fc.constant(count), fc.uniqueArray(anyMetric, { maxLength: 8, selector: ({ name }) => name })),
  )
  .chain(([count, metrics]) =>
    fc
      .record({
        sequence: sequences(count),
        timestampMs: times(count),
        station: fc.array(fc.constantFrom('city-1', 'buoy.7', 'a', GATEWAY_STATION, `b${'_'.repeat(62)}`), {
          minLength: 1,
          maxLength: count,
        }),
        kind: fc.array(fc.constantFrom(...RECORD_KINDS), { minLength: 1, maxLength: count }),
        clock: fc.array(fc.constantFrom(...CLOCK_STATES), { minLength: 1, maxLength: count }),
        location: fc.array(fc.option(anyLocation, { nil: undefined }), { minLength: 1, maxLength: count }),
        info: fc.array(fc.option(anyInfo, { nil: undefined, freq: 2 }), { minLength: 1, maxLength: count }),
        columns: fc.tuple(...metrics.map(({ type }) => cells(type, count))),
      })
      .map((parts) =>
        parts.sequence.map((sequence, row): SequencedRecord => {
          const location = cyclic(parts.location, row);
          const info = cyclic(parts.info, row);
          const named = metrics.map(({ name }, column) => ({ name, ...parts.columns[column]?.[row] }));
          return {
            sequence,
            station: cyclic(parts.station, row) as string,
            kind: cyclic(parts.kind, row) as SequencedRecord['kind'],
            timestampMs: parts.timestampMs[row] as number,
            clock: cyclic(parts.clock, row) as SequencedRecord['clock'],
            metrics: Object.fromEntries(
              named.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value] as const])),
            ),
            flags: Object.fromEntries(
              named.flatMap(({ name, flag }) => (flag === undefined ? [] : [[name, flag] as const])),
            ),
            ...(location === undefined ? {} : { location }),
            ...(info === undefined ? {} : { info }),
          };
        }),
      ),
  );

/** A salt, number and token. */
export const anyBatchName = fc.record({
  salt: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  batch: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  token: fc.uint8Array({ minLength: 8, maxLength: 8 }),
});

function cyclic<T>(values: readonly T[], row: number): T | undefined {
  return values[row % values.length];
}

function decimal(most: number): fc.Arbitrary<number> {
  return fc
    .tuple(fc.integer({ min: -most, max: most }), fc.integer({ min: 0, max: 9 }))
    .map(([integer, decimals]) => integer / 10 ** decimals);
}

function degrees(most: number): fc.Arbitrary<number> {
  return fc.integer({ min: -most * 1e7, max: most * 1e7 }).map((integer) => integer / 1e7);
}

function decimalWalk(count: number): fc.Arbitrary<MetricValue[]> {
  return fc
    .tuple(
      fc.integer({ min: -100_000, max: 100_000 }),
      fc.integer({ min: 0, max: 4 }),
      fc.array(fc.integer({ min: -50, max: 50 }), { minLength: count, maxLength: count }),
    )
    .map(([start, decimals, steps]) => {
      let integer = start;
      return steps.map((step) => {
        integer += step;
        return withoutNegativeZero(integer / 10 ** decimals);
      });
    });
}

function withoutNegativeZero(value: number): number {
  return value === 0 ? 0 : value;
}

function isPlain(value: unknown): boolean {
  return JSON.stringify(value).isWellFormed() && !JSON.stringify(value).includes('__proto__');
}

/** JSON with what `info` may not hold taken out: -0, and texts of half a surrogate pair or beyond the bound. */
function ofInfo(value: unknown): JsonValue {
  if (typeof value === 'number') return withoutNegativeZero(value);
  if (typeof value === 'string') return value.isWellFormed() ? value.slice(0, 50).toWellFormed() : '';
  if (Array.isArray(value)) return value.map(ofInfo);
  if (value === null || typeof value !== 'object') return value as null | boolean;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key.slice(0, 50).toWellFormed(), ofInfo(each)]),
  );
}
