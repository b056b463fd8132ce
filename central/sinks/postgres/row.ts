import type { JsonValue } from '../../../protocol/record.ts';
import type { FlatRecord } from '../../recordlog/recordlog.ts';
import { METRIC_COLUMNS } from '../remote/metric-columns.ts';
import type { StoreRecord } from '../remote/remote-store.ts';
import { Unwritable } from '../remote/unwritable.ts';

export type Cell = string | number | null;

const ID_PATTERN = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/;
const TIME_PATTERN = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/**
 * A record as the values of one row, in the order of `COLUMNS`. The whole of it is in `record`; where it holds what `jsonb`
 * cannot, the character NUL or half a surrogate pair, U+FFFD stands there in its place, and `exact` has it as it was.
 * Throws `Unwritable`.
 */
export function rowOf({ flat, json, place }: StoreRecord): Cell[] {
  const { id, gateway, station, kind, timestamp, clock, received_at } = flat;
  if (!ID_PATTERN.test(id)) throw new Unwritable('its id is no UUID in lower case');
  for (const time of [timestamp, received_at ?? timestamp]) {
    // The server would take other forms too, and make another time of them.
    if (!TIME_PATTERN.test(time)) throw new Unwritable('its time is not like 2026-01-31T22:59:59.999Z');
  }
  const record = mayBeNoJsonb(json) ? JSON.stringify(replaced(flat as unknown as JsonValue)) : json;
  return [
    ...[id, gateway, station, kind, timestamp, clock ?? 'unsynced', place?.run ?? null, place?.sequence ?? null],
    received_at ?? null,
    ...METRIC_COLUMNS.map((name) => numberOf(flat[name])),
    record,
    record === json ? null : json,
  ];
}

/** Whether its time is that of its receipt: then the next one that says the same has the same id, and another time. */
export function isStamped({ info }: FlatRecord): boolean {
  return typeof info === 'object' && info !== null && 'time_from' in info && info.time_from === 'receipt';
}

function numberOf(value: JsonValue | undefined): number | null {
  return typeof value === 'number' ? value : null;
}

/** As `JSON.stringify` writes them; true also for a text that only looks like that. */
function mayBeNoJsonb(json: string): boolean {
  return json.includes('\\u0000') || json.includes('\\ud');
}

function replaced(value: JsonValue): JsonValue {
  if (typeof value === 'string') return value.replaceAll('\0', '\uFFFD').toWellFormed();
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(replaced);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [replaced(key), replaced(inner)]));
}
