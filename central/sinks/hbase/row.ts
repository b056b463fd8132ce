import { createHash } from 'node:crypto';
import type { JsonValue } from '../../../protocol/record.ts';
import type { TimeZone } from '../../formats/time-zone.ts';
import type { StoreRecord } from '../remote/remote-store.ts';

/** How rows are called and what stands beside the record. */
export type HbaseLayout =
  /** By station, then time; stations are spread over `salt` prefixes. */
  | { readonly kind: 'records'; readonly salt: number }
  /** By minute, as a wall clock in `zone` says it, then sensor: a key that begins as that of NTUA's tables. */
  | { readonly kind: 'ntua'; readonly zone: TimeZone };

/** One row, as it is put. */
export interface HbaseRow {
  readonly key: string;
  /** Of every cell: the event's, so that a replay replaces and adds no version. UTC milliseconds. */
  readonly timestampMs: number;
  /** Qualifier → value. */
  readonly cells: Readonly<Record<string, string>>;
}

/** More prefixes than that make a range of times more scans than it has regions. */
export const SALT_MAX = 1000;
const MS_DIGITS = 13;
const MINUTE_CHARACTERS = 'yyyy-mm-ddThh:mm'.length;
/** Of a record's own keys, those that are text as they are. All else is JSON, so that `5` and `"5"` stay apart. */
const PLAIN: ReadonlySet<string> = new Set('id gateway station kind timestamp clock received_at'.split(' '));
/** What is no metric. */
const OWN: ReadonlySet<string> = new Set([...PLAIN, 'location', 'flags', 'info']);

export function familyOf({ kind }: HbaseLayout): string {
  return kind === 'ntua' ? 'cf' : 'd';
}

/** What the table remembers of how its rows are called: with another salt or zone, a replay would make other rows. */
export function markOf(layout: HbaseLayout): string {
  return layout.kind === 'ntua' ? `ntua/${layout.zone.name}` : `records/${layout.salt}`;
}

/** The row that a record is. The same record is the same row whenever it comes. */
export function rowOf(record: StoreRecord, layout: HbaseLayout): HbaseRow {
  const { flat, place } = record;
  const timestampMs = Date.parse(flat.timestamp);
  const cells: Record<string, string> = layout.kind === 'ntua' ? seedCells(record, layout.zone) : {};
  for (const [name, value] of Object.entries(flat))
    cells[name] = PLAIN.has(name) && typeof value === 'string' ? value : JSON.stringify(value);
  if (place !== undefined) {
    cells.run = place.run;
    cells.sequence = String(place.sequence);
  }
  const key = layout.kind === 'ntua' ? seedKey(record, layout.zone) : keyOf(record, timestampMs, layout.salt);
  return { key, timestampMs, cells };
}

/**
 * The prefix of a station's rows: the first four bytes of SHA-256(`gateway/station`) as a number, modulo `salt`, with as
 * many digits as the largest has.
 */
export function saltOf(gateway: string, station: string, salt: number): string {
  const hash = createHash('sha256').update(`${gateway}/${station}`, 'utf8').digest().readUInt32BE(0);
  return String(hash % salt).padStart(String(salt - 1).length, '0');
}

function keyOf({ flat: { gateway, station, id } }: StoreRecord, timestampMs: number, salt: number): string {
  const ms = String(timestampMs).padStart(MS_DIGITS, '0');
  return `${saltOf(gateway, station, salt)}|${gateway}/${station}|${ms}|${id}`;
}

function seedKey({ flat }: StoreRecord, zone: TimeZone): string {
  return `${minuteOf(flat.timestamp, zone)}-${sensorOf(flat)}|${flat.id}`;
}

/** The three columns of NTUA's tables; `value` where the record has exactly one number. */
function seedCells({ flat }: StoreRecord, zone: TimeZone): Record<string, string> {
  const numbers = Object.entries(flat).filter(([name, value]) => !OWN.has(name) && typeof value === 'number');
  return {
    sensor: sensorOf(flat),
    datetime: minuteOf(flat.timestamp, zone),
    ...(numbers.length === 1 ? { value: String(numbers[0]?.[1]) } : {}),
  };
}

function sensorOf({ station, info }: StoreRecord['flat']): string {
  const { source_id: source } = (info ?? {}) as { readonly source_id?: JsonValue };
  return typeof source === 'string' ? source : station;
}

function minuteOf(timestamp: string, zone: TimeZone): string {
  const utcMs = Date.parse(timestamp);
  return new Date(utcMs + zone.offsetMsAt(utcMs)).toISOString().slice(0, MINUTE_CHARACTERS).replace('T', ' ');
}
