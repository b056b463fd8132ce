import type { Flag } from '../../protocol/record.ts';
import { flagOutside, type Limits, NOT_EVALUATED, type Span } from './flags.ts';

/** Counts that a season may be told in: months from 1, Monday as day 0 of the week, weeks as ISO 8601 counts them. */
export type ClimatologyPeriod = 'month' | 'quarter' | 'dayofyear' | 'dayofweek' | 'weekofyear';

/** What is usual in one season. */
export interface ClimatologyMember {
  /** What `season` counts; undefined: it is two moments, UTC milliseconds. */
  readonly period: ClimatologyPeriod | undefined;
  /** Both ends belong to it. */
  readonly season: Span;
  /** Metres below the surface, both ends included; undefined: at every depth. */
  readonly depthM?: Span | undefined;
  readonly limits: Limits<Span>;
}

/** The flag of a value by the last member that its time and depth belong to; 2 where there is none. */
export function climatologyFlag(
  value: number,
  timestampMs: number,
  members: readonly ClimatologyMember[],
  depthM?: number,
): Flag {
  const member = members.findLast(
    (each) => isIn(each.season, seasonOf(timestampMs, each.period)) && isAtDepth(each, depthM),
  );
  return member === undefined ? NOT_EVALUATED : flagOutside(value, member.limits);
}

function isAtDepth(member: ClimatologyMember, depthM: number | undefined): boolean {
  if (member.depthM === undefined) return true;
  return depthM !== undefined && isIn(member.depthM, depthM);
}

function isIn([from, to]: Span, value: number): boolean {
  return value >= from && value <= to;
}

const DAY_MS = 86_400_000;

function seasonOf(timestampMs: number, period: ClimatologyPeriod | undefined): number {
  if (period === undefined) return timestampMs;
  const date = new Date(timestampMs);
  switch (period) {
    case 'month':
      return date.getUTCMonth() + 1;
    case 'quarter':
      return Math.floor(date.getUTCMonth() / 3) + 1;
    case 'dayofyear':
      return dayOfYear(date);
    case 'dayofweek':
      return (date.getUTCDay() + 6) % 7;
    case 'weekofyear':
      return isoWeekOf(date);
  }
}

function dayOfYear(date: Date): number {
  return Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / DAY_MS) + 1;
}

/** Week 1 is the one with the year's first Thursday (ISO 8601). */
function isoWeekOf(date: Date): number {
  const daysToThursday = 3 - ((date.getUTCDay() + 6) % 7);
  return Math.floor((dayOfYear(new Date(date.getTime() + daysToThursday * DAY_MS)) - 1) / 7) + 1;
}
