import type { JsonValue } from '../../protocol/record.ts';
import { derivativeOf, rootBoundOf, signChangesOf, valueAt } from './polynomial.ts';
import type { Calibration, MetricCalibration } from './types.ts';

/** A raw value, and the true one that it stands for. */
export type CalibrationPoint = readonly [raw: number, truth: number];

/** How a raw value becomes a true one: exactly one of these. */
export type CalibrationTerms =
  /** raw + offset */
  | { readonly offset: number }
  /** c0 + c1·raw + c2·raw² + … */
  | { readonly polynomial: readonly number[] }
  /** The line through two points. */
  | { readonly two_point: readonly [CalibrationPoint, CalibrationPoint] }
  /** Lines between points whose raw values rise; beyond the ends the first and the last line go on. */
  | { readonly table: readonly CalibrationPoint[] };

interface CalibrationOptions {
  readonly id: string | undefined;
  readonly rawUnit: string;
  readonly terms: CalibrationTerms;
}

/** One calibration, whose terms have been checked with `slopesOf`. */
export function calibrationOf({ id, rawUnit, terms }: CalibrationOptions): Calibration {
  return { id, rawUnit, terms: terms as { readonly [key: string]: JsonValue }, apply: functionOf(terms) };
}

function functionOf(terms: CalibrationTerms): (raw: number) => number {
  if ('offset' in terms) return (raw) => raw + terms.offset;
  if ('polynomial' in terms) return (raw) => valueAt(terms.polynomial, raw);
  return throughPoints('table' in terms ? terms.table : terms.two_point);
}

function throughPoints(points: readonly CalibrationPoint[]): (raw: number) => number {
  const inOrder = points.toSorted(([one], [other]) => one - other);
  const last = inOrder.length - 2;
  return (raw) => {
    const above = inOrder.findIndex(([each]) => raw < each);
    const begin = above === -1 ? last : Math.min(Math.max(above - 1, 0), last);
    const [from, to] = [inOrder[begin] as CalibrationPoint, inOrder[begin + 1] as CalibrationPoint];
    // From the nearer end, so that each point gives exactly its true value.
    const [raw0, true0] = raw - from[0] <= to[0] - raw ? from : to;
    return true0 + (raw - raw0) * slopeOf(from, to);
  };
}

function slopeOf([raw0, true0]: CalibrationPoint, [raw1, true1]: CalibrationPoint): number {
  return (true1 - true0) / (raw1 - raw0);
}

/** The least and the greatest slope over a range of raw values; an infinite range is every number. NaN: beyond what numbers hold. */
export function slopesOf(terms: CalibrationTerms, range: readonly [lowest: number, highest: number]): [number, number] {
  if ('offset' in terms) return [1, 1];
  if ('polynomial' in terms) return polynomialSlopes(terms.polynomial, range);
  const points = 'table' in terms ? terms.table : terms.two_point;
  const slopes = points.slice(1).map((point, index) => slopeOf(points[index] as CalibrationPoint, point));
  return [Math.min(...slopes), Math.max(...slopes)];
}

/** A slope is least and greatest at the ends of the range, or where it turns; beyond all its turns, and all its zeros, it only grows. */
function polynomialSlopes(coefficients: readonly number[], range: readonly [number, number]): [number, number] {
  const slope = derivativeOf(coefficients);
  const turning = derivativeOf(slope);
  const bound = Math.max(rootBoundOf(slope), rootBoundOf(turning));
  const from = range[0] === Number.NEGATIVE_INFINITY ? -bound : range[0];
  const to = range[1] === Number.POSITIVE_INFINITY ? bound : range[1];
  if (!Number.isFinite(from) || !Number.isFinite(to)) return [Number.NaN, Number.NaN];
  const slopes = [from, to, ...signChangesOf(turning, from, to)].map((raw) => valueAt(slope, raw));
  return [Math.min(...slopes), Math.max(...slopes)];
}

/** What of a slope is rounding, in shares of the greatest. */
const SLOPE_MIN = 1e-12;

/** Whether slopes are all above 0, or all below. */
export function isStrictlyMonotone([least, greatest]: readonly [number, number]): boolean {
  const tiny = SLOPE_MIN * Math.max(Math.abs(least), Math.abs(greatest));
  return least > tiny || greatest < -tiny;
}

/** A calibration with the time from which it holds, UTC milliseconds; undefined: always. */
export interface DatedCalibration {
  readonly fromMs: number | undefined;
  readonly calibration: Calibration;
}

/** Calibrations in the order of their dates, of which each holds until the next. */
export class CalibrationHistory implements MetricCalibration {
  readonly keepsRaw: boolean;
  readonly #newestFirst: readonly DatedCalibration[];

  constructor(calibrations: readonly DatedCalibration[], keepsRaw: boolean) {
    this.#newestFirst = calibrations.toReversed();
    this.keepsRaw = keepsRaw;
  }

  at(timestampMs: number): Calibration | undefined {
    return this.#newestFirst.find(({ fromMs = Number.NEGATIVE_INFINITY }) => fromMs <= timestampMs)?.calibration;
  }
}
