import type { Flag } from '../../protocol/record.ts';

/** QARTOD flags by name (IOOS QARTOD manuals). */
export const PASS = 1;
export const NOT_EVALUATED = 2;
export const SUSPECT = 3;
export const FAIL = 4;
export const MISSING = 9;

/** The one that stands for several comes first. */
const PRECEDENCE: readonly Flag[] = [FAIL, SUSPECT, PASS, NOT_EVALUATED, MISSING];

/** The one flag of what several rules say: 4 > 3 > 1 > 2 > 9. Other numbers are ignored; of none it is 9. */
export function aggregate(flags: readonly number[]): Flag {
  return PRECEDENCE.find((flag) => flags.includes(flag)) ?? MISSING;
}

/** Lowest and highest value; both are inside. */
export type Span = readonly [lowest: number, highest: number];

/** What makes a value suspect, and what makes it fail; undefined: nothing does. */
export interface Limits<Limit> {
  readonly suspect: Limit | undefined;
  readonly fail: Limit | undefined;
}

/** The flag of a value that has to be inside of spans. */
export function flagOutside(value: number, { suspect, fail }: Limits<Span>): Flag {
  if (fail !== undefined && isOutside(value, fail)) return FAIL;
  return suspect !== undefined && isOutside(value, suspect) ? SUSPECT : PASS;
}

function isOutside(value: number, [lowest, highest]: Span): boolean {
  return value < lowest || value > highest;
}

/** The flag of a quantity that must not exceed thresholds; equal to one, it does not. */
export function flagAbove(quantity: number, { suspect, fail }: Limits<number>): Flag {
  if (fail !== undefined && quantity > fail) return FAIL;
  return suspect !== undefined && quantity > suspect ? SUSPECT : PASS;
}

/** The flag of a quantity that must not fall below thresholds; equal to one, it does not. */
export function flagBelow(quantity: number, { suspect, fail }: Limits<number>): Flag {
  if (fail !== undefined && quantity < fail) return FAIL;
  return suspect !== undefined && quantity < suspect ? SUSPECT : PASS;
}

/** The flag of something that lasts, for as long as `lastedMs`: it counts from the moment a duration is reached. */
export function flagLasting(lastedMs: number, { suspect, fail }: Limits<number>): Flag {
  if (fail !== undefined && lastedMs >= fail) return FAIL;
  return suspect !== undefined && lastedMs >= suspect ? SUSPECT : PASS;
}
