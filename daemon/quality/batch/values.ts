import assert from 'node:assert/strict';
import type { Flag } from '../../../protocol/record.ts';
import { type ClimatologyMember, climatologyFlag } from '../climatology.ts';
import { FAIL, flagAbove, flagOutside, type Limits, MISSING, PASS, type Span } from '../flags.ts';
import type { FixedOutlierRule } from '../rules.ts';

/** A value, or undefined where it is missing. */
export type Value = number | undefined;

/** Values with their times, UTC milliseconds, in the order of time where a rule does not say otherwise. */
export interface Series {
  readonly timesMs: readonly number[];
  readonly values: readonly Value[];
}

/**
 * QARTOD gross range: outside `fail` 4, outside `suspect` 3; the ends are inside. A span may be given high end first. The
 * suspect span lies within the other.
 */
export function grossRange(values: readonly Value[], limits: Limits<Span>): Flag[] {
  const sorted = { suspect: sortedSpan(limits.suspect), fail: sortedSpan(limits.fail) };
  assert(isWithin(sorted.suspect, sorted.fail), 'the suspect span lies within the fail span');
  return flagEach(values, (value) => flagOutside(value, sorted));
}

function sortedSpan(span: Span | undefined): Span | undefined {
  return span === undefined || span[0] <= span[1] ? span : [span[1], span[0]];
}

function isWithin(inner: Span | undefined, outer: Span | undefined): boolean {
  return inner === undefined || outer === undefined || (inner[0] >= outer[0] && inner[1] <= outer[1]);
}

/** What `validRange` takes for valid. */
interface ValidRange {
  /** Undefined: no bound. */
  readonly lowest: number | undefined;
  readonly highest: number | undefined;
  readonly isLowestValid: boolean;
  readonly isHighestValid: boolean;
}

/** AXDS valid range: 4 where a value is not in it. */
export function validRange(values: readonly Value[], range: ValidRange): Flag[] {
  const { lowest = Number.NEGATIVE_INFINITY, highest = Number.POSITIVE_INFINITY } = range;
  return flagEach(values, (value) => {
    const isAbove = value > lowest || (range.isLowestValid && value === lowest);
    const isBelow = value < highest || (range.isHighestValid && value === highest);
    return isAbove && isBelow ? PASS : FAIL;
  });
}

/** QARTOD climatology: what is usual at the time of year. `depthsM`: where each value was taken, undefined: unknown. */
export function climatology(
  { timesMs, values }: Series,
  members: readonly ClimatologyMember[],
  depthsM: readonly Value[] = [],
): Flag[] {
  return flagEach(values, (value, index) => climatologyFlag(value, timesMs[index] as number, members, depthsM[index]));
}

/** Beyond `mean` ± `k` `sigma` 3. */
export function fixedOutlier(values: readonly Value[], { mean, sigma, k }: FixedOutlierRule): Flag[] {
  return flagEach(values, (value) => flagAbove(Math.abs(value - mean), { suspect: k * sigma, fail: undefined }));
}

/** 9 for what is missing, for the rest what `flagOf` says. */
export function flagEach(values: readonly Value[], flagOf: (value: number, index: number) => Flag): Flag[] {
  return values.map((value, index) => (value === undefined ? MISSING : flagOf(value, index)));
}
