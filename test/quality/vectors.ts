/** The published vectors (test/fixtures/qartod/SOURCE.md), and how each of their tests is said with our rules. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { location, locationBounds, type MeasuredPosition, speed } from '../../daemon/quality/batch/positions.ts';
import { attenuated, flatLine, rateOfChange, type SpikeMethod, spike } from '../../daemon/quality/batch/series.ts';
import { duplicateTimestamp, timeGap } from '../../daemon/quality/batch/times.ts';
import { climatology, grossRange, type Series, type Value, validRange } from '../../daemon/quality/batch/values.ts';
import type { ClimatologyMember, ClimatologyPeriod } from '../../daemon/quality/climatology.ts';
import { aggregate, type Limits, type Span } from '../../daemon/quality/flags.ts';

type Nullable<T> = T | null;

export interface VectorCase {
  readonly name: string;
  // biome-ignore lint/suspicious/noExplicitAny: each test has parameters of its own; `RULES` knows them
  readonly params: any;
  readonly times: readonly Nullable<string>[];
  readonly values?: readonly Nullable<number | string>[];
  readonly lon?: readonly Nullable<number>[];
  readonly lat?: readonly Nullable<number>[];
  readonly depth_m?: Nullable<readonly Nullable<number>[]>;
  readonly flag_vectors?: readonly (readonly number[])[];
  /** Null where the library raises an exception. */
  readonly expected: Nullable<readonly number[]>;
  readonly wgs84_distance_m?: readonly Nullable<number>[];
}

const file = join(import.meta.dirname, '../fixtures/qartod/vectors.json.gz');

/** By test. */
export const VECTORS = JSON.parse(gunzipSync(readFileSync(file)).toString()) as Readonly<
  Record<string, { readonly case_count: number; readonly cases: readonly VectorCase[] }>
>;

/** Infinities stand as text. */
const numberOf = (value: Nullable<number | string>): Value => (value === null ? undefined : Number(value));
const timeOf = (time: Nullable<string>): Value => (time === null ? undefined : Date.parse(time));
const valuesOf = ({ values = [] }: VectorCase): Value[] => values.map(numberOf);
const timesOf = ({ times }: VectorCase): number[] => times.map((time) => timeOf(time) as number);
const seriesOf = (each: VectorCase): Series => ({ timesMs: timesOf(each), values: valuesOf(each) });
const orUndefined = <T>(value: Nullable<T>): T | undefined => value ?? undefined;
const secondsMs = (seconds: Nullable<number>): number | undefined => (seconds === null ? undefined : seconds * 1000);

export const positionsOf = ({ lat = [], lon = [] }: VectorCase): MeasuredPosition[] =>
  lat.map((each, index) => ({ lat: orUndefined(each), lon: orUndefined(lon[index] ?? null) }));

const thresholdsOf = ({ params }: VectorCase): Limits<number> => ({
  suspect: orUndefined<number>(params.suspect_threshold ?? params.threshold),
  fail: orUndefined<number>(params.fail_threshold),
});

interface MemberParams {
  readonly tspan: readonly [string | number, string | number];
  readonly vspan: Span;
  readonly fspan?: Span;
  readonly zspan?: Span;
  readonly period?: ClimatologyPeriod;
}

function memberOf({ tspan, vspan, fspan, zspan, period }: MemberParams): ClimatologyMember {
  const [from, to] = tspan.map((end) => (typeof end === 'string' ? Date.parse(end) : end));
  return { period, season: [from as number, to as number], depthM: zspan, limits: { suspect: vspan, fail: fspan } };
}

const spikeBy = (each: VectorCase): number[] =>
  spike(valuesOf(each), each.params.method as SpikeMethod, thresholdsOf(each));

/** Flags by our rules, for each test of the vectors. */
export const RULES: Readonly<Record<string, (each: VectorCase) => number[]>> = {
  gross_range_test: (each) =>
    grossRange(valuesOf(each), {
      suspect: orUndefined<Span>(each.params.suspect_span),
      fail: orUndefined<Span>(each.params.fail_span),
    }),
  valid_range_test: (each) => {
    const [lowest, highest] = each.params.valid_span;
    const { start_inclusive, end_inclusive } = each.params;
    const bounds = { lowest: orUndefined<number>(lowest), highest: orUndefined<number>(highest) };
    return validRange(valuesOf(each), { ...bounds, isLowestValid: start_inclusive, isHighestValid: end_inclusive });
  },
  climatology_test: (each) =>
    climatology(seriesOf(each), each.params.config.map(memberOf), each.depth_m?.map(orUndefined)),
  spike_test_average: spikeBy,
  spike_test_differential: spikeBy,
  rate_of_change_test: (each) => rateOfChange(seriesOf(each), thresholdsOf(each)),
  flat_line_test: (each) => {
    const { suspect_threshold, fail_threshold, tolerance } = each.params;
    const durationMs = { suspect: secondsMs(suspect_threshold), fail: secondsMs(fail_threshold) };
    return flatLine(seriesOf(each), { tolerance, durationMs });
  },
  attenuated_signal_test: (each) => {
    const { test_period, check_type, min_obs, min_period } = each.params;
    const rule = { ...thresholdsOf(each), periodMs: secondsMs(test_period) ?? Number.POSITIVE_INFINITY };
    const least = { valuesMin: orUndefined<number>(min_obs), spanMinMs: secondsMs(min_period) };
    return attenuated(seriesOf(each), rule, { check: check_type, ...least });
  },
  location_test: (each) => {
    const { range_max_m, range_method } = each.params;
    return location(
      positionsOf(each),
      range_max_m === null ? undefined : { longestM: range_max_m, method: range_method },
    );
  },
  location_bounds_test: (each) => {
    const corners = (each.params.polygon_lon_lat as [number, number][]).map(([lon, lat]) => ({ lat, lon }));
    return locationBounds(positionsOf(each), corners, each.params.flag_area);
  },
  speed_test: (each) => speed(timesOf(each), positionsOf(each), thresholdsOf(each)),
  time_gap_test: (each) => timeGap(each.times.map(timeOf), each.params.fail_span_h * 3_600_000),
  duplicate_timestamp_test: (each) => duplicateTimestamp(each.times.map(timeOf)),
  aggregate: ({ flag_vectors: vectors = [] }) =>
    (vectors[0] ?? []).map((_, index) => aggregate(vectors.map((flags) => flags[index] as number))),
};
