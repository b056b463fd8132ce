import type { FlatRecord } from '../../recordlog/recordlog.ts';

/** Where records stand whose date cannot be right. */
export const UNDATED = 'undated';

const DAY_MS = 86_400_000;
/** How far ahead a clock may be before nobody believes it, in milliseconds. */
const AHEAD_MS = 2 * DAY_MS;
/** How old a record may be when it is received, where the sink keeps all for ever, in milliseconds: a year at sea, and a week. */
export const BACKLOG_MS = 373 * DAY_MS;

/**
 * The date of a record's event, UTC, `2026-01-31`; `UNDATED` where it is not within `[received_at − retentionMs,
 * received_at + 2 d]`. Follows from the record alone, so that a replay says the same. A clock that is wrong can so make one
 * index, folder or bucket, and not ten thousand.
 */
export function eventDayOf({ timestamp, received_at }: FlatRecord, retentionMs = BACKLOG_MS): string {
  const isDated = isLikely(Date.parse(timestamp), Date.parse(received_at ?? timestamp), retentionMs);
  return isDated ? timestamp.slice(0, 'yyyy-mm-dd'.length) : UNDATED;
}

/** The same of times that are known as UTC milliseconds. */
export function isLikely(eventMs: number, receivedMs: number, retentionMs = BACKLOG_MS): boolean {
  return eventMs >= receivedMs - retentionMs && eventMs <= receivedMs + AHEAD_MS;
}
