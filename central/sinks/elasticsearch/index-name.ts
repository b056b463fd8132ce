import type { FlatRecord } from '../../recordlog/recordlog.ts';
import { eventDayOf, UNDATED } from '../remote/event-date.ts';

/** How long an index goes on: a day of events, UTC, or a month. */
export type IndexPeriod = 'day' | 'month';

export interface IndexNaming {
  /** What every index begins with. */
  readonly index: string;
  readonly period: IndexPeriod;
  /** Records older than that when they were received have no date, in milliseconds. */
  readonly retentionMs?: number;
}

/** A first part of a name that every version of both servers takes. */
export const INDEX_PATTERN = /^[a-z0-9][a-z0-9_-]{0,99}$/;

/** The index of a record: `mooring-2026.01.31`, `mooring-2026.01`, `mooring-undated`. Follows from the record alone. */
export function indexOf(flat: FlatRecord, { index, period, retentionMs }: IndexNaming): string {
  const day = eventDayOf(flat, retentionMs);
  if (day === UNDATED) return undatedOf(index);
  return `${index}-${day.slice(0, period === 'day' ? 'yyyy-mm-dd'.length : 'yyyy-mm'.length).replaceAll('-', '.')}`;
}

export function undatedOf(index: string): string {
  return `${index}-${UNDATED}`;
}

/** What the names of all indices of a store match, as its servers match; others may, too. */
export function patternsOf(index: string): readonly string[] {
  return [`${index}-*.*`, undatedOf(index)];
}

/** When the time that an index is about is over, in UTC milliseconds; undefined where the name is no date's, of either period. */
export function endOf(name: string, index: string): number | undefined {
  if (!name.startsWith(`${index}-`)) return undefined;
  const [, year, month, day] = /^(\d{4})\.(\d\d)(?:\.(\d\d))?$/.exec(name.slice(index.length + 1)) ?? [];
  if (year === undefined) return undefined;
  return day === undefined
    ? Date.UTC(Number(year), Number(month), 1)
    : Date.UTC(Number(year), Number(month) - 1, Number(day) + 1);
}
