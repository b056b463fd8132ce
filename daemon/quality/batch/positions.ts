import assert from 'node:assert/strict';
import type { Flag } from '../../../protocol/record.ts';
import { FAIL, flagAbove, type Limits, MISSING, NOT_EVALUATED, PASS, SUSPECT } from '../flags.ts';
import { geodesicM, haversineM, type Position } from '../geodesic.ts';
import { rateOf } from '../rate.ts';
import type { Value } from './values.ts';

/** A position of which one coordinate or both may be missing, in degrees. */
export interface MeasuredPosition {
  readonly lat: Value;
  readonly lon: Value;
}

/** The longest step to the next position. */
interface StepLimit {
  readonly longestM: number;
  readonly method: 'haversine' | 'wgs84';
}

/**
 * QARTOD location: 4 beyond ±180°, ±90°, or with one coordinate alone; 3 further from the position before than `step` allows,
 * where both are there.
 */
export function location(positions: readonly MeasuredPosition[], step: StepLimit | undefined): Flag[] {
  return positions.map((measured, index) => {
    if (measured.lat === undefined && measured.lon === undefined) return MISSING;
    const position = completeOf(measured);
    if (position === undefined || Math.abs(position.lon) > 180 || Math.abs(position.lat) > 90) return FAIL;
    const before = completeOf(positions[index - 1]);
    if (step === undefined || before === undefined) return PASS;
    return DISTANCE_M[step.method](before, position) > step.longestM ? SUSPECT : PASS;
  });
}

const DISTANCE_M = { haversine: haversineM, wgs84: geodesicM } as const;

/** 4 for positions that are not (`outside`), or are (`inside`), within a polygon, whose border does not belong to it; planar. */
export function locationBounds(
  positions: readonly MeasuredPosition[],
  polygon: readonly Position[],
  failing: 'outside' | 'inside',
): Flag[] {
  assert(polygon.length >= 3, 'a polygon has three corners at the least');
  return positions.map((measured) => {
    const position = completeOf(measured);
    if (position === undefined) return MISSING;
    return isWithin(position, polygon) === (failing === 'inside') ? FAIL : PASS;
  });
}

/** Whether a ray from the position to the east leaves the polygon once more than it enters. */
function isWithin(position: Position, polygon: readonly Position[]): boolean {
  let isIn = false;
  for (const [index, end] of polygon.entries()) {
    const begin = polygon.at(index - 1) as Position;
    const side = turn(begin, end, position);
    if (side === 0 && isBetween(begin, end, position)) return false;
    const goesNorth = end.lat > begin.lat;
    const isCrossed = begin.lat > position.lat !== end.lat > position.lat;
    if (isCrossed && (goesNorth ? side > 0 : side < 0)) isIn = !isIn;
  }
  return isIn;
}

/** Above 0 where `position` lies left of the way from `begin` to `end`; 0 on its line. */
function turn(begin: Position, end: Position, position: Position): number {
  return (end.lon - begin.lon) * (position.lat - begin.lat) - (end.lat - begin.lat) * (position.lon - begin.lon);
}

function isBetween(begin: Position, end: Position, { lat, lon }: Position): boolean {
  return (begin.lon - lon) * (end.lon - lon) <= 0 && (begin.lat - lat) * (end.lat - lat) <= 0;
}

/** ARGO speed, in metres per second, from one position to the next: 2 for the first, 9 where one of the two is missing. */
export function speed(
  timesMs: readonly number[],
  positions: readonly MeasuredPosition[],
  limits: Limits<number>,
): Flag[] {
  assert(timesMs.length === positions.length, 'every position has its time');
  return positions.map((measured, index) => {
    if (index === 0) return NOT_EVALUATED;
    const before = completeOf(positions[index - 1]);
    const position = completeOf(measured);
    if (before === undefined || position === undefined) return MISSING;
    const elapsedMs = (timesMs[index] as number) - (timesMs[index - 1] as number);
    return flagAbove(rateOf(geodesicM(before, position), elapsedMs), limits);
  });
}

function completeOf(measured: MeasuredPosition | undefined): Position | undefined {
  const { lat, lon } = measured ?? {};
  return lat === undefined || lon === undefined ? undefined : { lat, lon };
}
