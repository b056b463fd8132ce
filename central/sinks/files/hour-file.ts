import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import type { FlatRecord } from '../../recordlog/recordlog.ts';
import { eventDayOf, UNDATED } from '../remote/event-date.ts';

/** Folders by date alone, or below one for each user. */
export type FilesLayout = 'date' | 'user';

const TIMESTAMP = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):/;
const SAFE_NAME = /^[a-z0-9_][a-z0-9._-]{0,62}$/;
const NAME_CHARACTERS_MAX = 63;
const HASH_CHARACTERS = 8;

/**
 * The hour's file that a record belongs to: `2026/01/31/22.ndjson` by event time in UTC, with layout `user` below
 * `user/NAME/`. One whose event time cannot be right stands by the day of its receipt: `undated/2026-02-01.ndjson`.
 * Follows from the record alone, so that a replay says the same.
 */
export function hourFileOf(flat: FlatRecord, layout: FilesLayout = 'date'): string {
  const below = layout === 'user' ? `user/${userOf(flat)}/` : '';
  if (eventDayOf(flat) === UNDATED) return `${below}${UNDATED}/${receivedDayOf(flat) ?? UNDATED}.ndjson`;
  const match = TIMESTAMP.exec(flat.timestamp);
  assert(match !== null, 'times are between 1970 and 9999, and are checked where records come in');
  const [, year, month, day, hour] = match;
  return `${below}${year}/${month}/${day}/${hour}.ndjson`;
}

/** Undefined where somebody has put a record into the topic that was never received. */
function receivedDayOf({ received_at }: FlatRecord): string | undefined {
  const match = TIMESTAMP.exec(String(received_at));
  return match === null ? undefined : match.slice(1, 4).join('-');
}

/** Whose a record is: the `user` that the registry gives its device, else its gateway, or the source that it came by. */
export function userOf({ gateway, info }: FlatRecord): string {
  const tags = memberOf(info, 'tags');
  const user = memberOf(tags, 'user');
  return folderNameOf(typeof user === 'string' && user !== '' ? user : gateway);
}

function memberOf(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;
}

/** A name that leads nowhere else, whatever stands in the record. */
function folderNameOf(name: string): string {
  if (SAFE_NAME.test(name)) return name;
  const folded = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, '-')
    .replace(/^[.-]+/, '')
    .slice(0, NAME_CHARACTERS_MAX - HASH_CHARACTERS - 1);
  // Two that fold to one stay apart.
  return `${folded === '' ? '_' : folded}-${hash('sha256', name).slice(0, HASH_CHARACTERS)}`;
}
