import { hash } from 'node:crypto';
import { metricNamed } from '../../protocol/metrics.ts';
import {
  BOUNDS,
  type JsonValue,
  type Location,
  METRIC_NAME_PATTERN,
  type MetricValue,
  RESERVED_KEYS,
} from '../../protocol/record.ts';
import type { FlatRecord } from '../recordlog/recordlog.ts';
import { stationOf } from './foreign-station.ts';
import type { Reading } from './format.ts';
import { refuse } from './refuse.ts';

/** What a registry knows of a device beside what it says itself. */
export interface Registered {
  /** Into `info.tags`. */
  readonly tags: Readonly<Record<string, string>>;
  /** Counts where the device says no place of its own. */
  readonly location?: Location;
}

export interface ForeignRecordParts {
  /** Key of `sources`; becomes `gateway`. */
  readonly source: string;
  readonly reading: Reading;
  /** UTC, milliseconds since 1970. */
  readonly receivedAtMs: number;
  /** Of a reading that says no time; left out: it is named by the time of its receipt, and has that. */
  readonly occasion?: Occasion | undefined;
  readonly registered?: Registered | undefined;
}

/** What a reading without a time is told apart by from one that says the same. */
export interface Occasion {
  /** The same however often this delivery is handled. */
  readonly name: string;
  /** UTC, milliseconds since 1970. */
  readonly timestampMs: number;
}

/** Longest record as JSON, in UTF-16 units: more than any device says, less than any log refuses. */
const JSON_CHARS = 65_536;

/** The namespace of the ids of existing devices' records. */
const NAMESPACE = Buffer.from('7c1d0f5e4b8a4d0e9a5b3d0c6f2e8a17', 'hex');

/**
 * The record of an existing device's reading: the source is the gateway, the device's own id the station, and in
 * `info.source_id` as it is written. `clock` is `unsynced`: nobody knows who keeps a foreign clock. Where the device has
 * said no time it is that of the occasion, with `info.time_from: receipt`. Throws `RECORD_INVALID` for one that no
 * record may hold.
 */
export function foreignRecordOf({
  source,
  reading,
  receivedAtMs,
  occasion = { name: String(receivedAtMs), timestampMs: receivedAtMs },
  registered,
}: ForeignRecordParts): FlatRecord {
  const { sourceId, timestampMs, metrics, missing = [] } = reading;
  checkValues(metrics, missing);
  const info: Record<string, JsonValue> = { ...reading.info, source_id: sourceId };
  if (timestampMs === undefined) info.time_from = 'receipt';
  if (registered !== undefined && Object.keys(registered.tags).length > 0) info.tags = registered.tags;
  checkInfo(info, 'info', BOUNDS.infoDepth);
  const location = reading.location ?? registered?.location;
  const flat: FlatRecord = {
    id: foreignIdOf(source, reading, occasion.name),
    gateway: source,
    station: stationOf(sourceId),
    kind: 'sample',
    timestamp: isoTime(timestampMs ?? occasion.timestampMs),
    clock: 'unsynced',
    ...(location === undefined ? {} : { location: checkedLocation(location) }),
    ...(missing.length === 0 ? {} : { flags: Object.fromEntries(missing.map((name) => [name, 9])) }),
    info,
    received_at: isoTime(receivedAtMs),
    ...metrics,
  };
  if (JSON.stringify(flat).length > JSON_CHARS) refuse('', `makes a record of more than ${JSON_CHARS} characters`);
  return flat;
}

/**
 * A UUID of version 5 (RFC 9562 section 5.5) of the source and what the device said: the same for every copy of a message,
 * whoever receives it and whenever. So two readings of one device that say the same of the same time are one record. Where
 * the device says no time, and the reading has no identity, the occasion is part of it: a value that repeats is a record
 * each time. What a registry adds is no part of it.
 */
export function foreignIdOf(source: string, reading: Reading, occasion?: string): string {
  const { sourceId, timestampMs, metrics, missing, location, info, identity } = reading;
  const said: JsonValue =
    identity === undefined
      ? [
          timestampMs ?? null,
          metrics,
          [...(missing ?? [])].sort(),
          location === undefined ? null : { ...location },
          info ?? {},
          ...(timestampMs === undefined && occasion !== undefined ? [occasion] : []),
        ]
      : identity;
  const name = `${source}\0${canonical([sourceId, said])}`;
  const bytes = hash('sha1', Buffer.concat([NAMESPACE, Buffer.from(name, 'utf8')]), 'buffer').subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x50, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** JSON with the keys in order, so that the order in which a device says things is nothing of what it says. */
function canonical(value: JsonValue): string {
  if (typeof value === 'number') return String(value + 0);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  const object = value as { readonly [key: string]: JsonValue };
  let text = '';
  for (const key of Object.keys(object).sort()) {
    text += `${text === '' ? '{' : ','}${JSON.stringify(key)}:${canonical(object[key] as JsonValue)}`;
  }
  return text === '' ? '{}' : `${text}}`;
}

function checkValues(metrics: Readonly<Record<string, MetricValue>>, missing: readonly string[]): void {
  const names = [...Object.keys(metrics), ...missing];
  if (names.length === 0) refuse('', 'says no value');
  if (names.length > BOUNDS.metricsPerBatch) refuse('', `has more than ${BOUNDS.metricsPerBatch} values at one time`);
  if (new Set(names).size < names.length) refuse('', 'has a value and none of one and the same metric');
  for (const name of names) {
    // The registry's own names were looked at when they were chosen.
    if (metricNamed(name) !== undefined) continue;
    if (RESERVED_KEYS.has(name) || !METRIC_NAME_PATTERN.test(name)) refuse(name, 'is no name of a metric');
  }
  for (const [name, value] of Object.entries(metrics)) checkValue(name, value);
}

function checkValue(name: string, value: MetricValue): void {
  const type = metricNamed(name)?.type;
  const found = typeof value === 'string' ? 'text' : typeof value;
  if (type !== undefined && type !== found) refuse(name, `is a ${type}, and came as a ${found}`);
  if (typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0))) refuse(name, 'is no number');
  if (typeof value === 'string' && (value === '' || Buffer.byteLength(value) > BOUNDS.textBytes)) {
    refuse(name, `is a text of none or more than ${BOUNDS.textBytes} bytes`);
  }
}

function checkInfo(value: JsonValue, at: string, depth: number): void {
  if (typeof value === 'string') {
    if (!value.isWellFormed()) refuse(at, 'has half a character');
    if (Buffer.byteLength(value) > BOUNDS.infoTextBytes) refuse(at, `has more than ${BOUNDS.infoTextBytes} bytes`);
    return;
  }
  if (typeof value === 'number' && !Number.isFinite(value)) refuse(at, 'is a number without bounds');
  if (typeof value !== 'object' || value === null) return;
  if (depth === 0) refuse(at, `has more than ${BOUNDS.infoDepth} objects and lists in one another`);
  for (const [key, inner] of Object.entries(value)) checkInfo(inner, `${at}.${key}`, depth - 1);
}

function checkedLocation({ lat, lon, alt }: Location): { readonly [key: string]: number } {
  if (!(lat >= -90 && lat <= 90)) refuse('location.lat', 'is no latitude');
  if (!(lon >= -180 && lon <= 180)) refuse('location.lon', 'is no longitude');
  if (alt !== undefined && !Number.isFinite(alt)) refuse('location.alt', 'is no height');
  return { lat: to1e7(lat), lon: to1e7(lon), ...(alt === undefined ? {} : { alt: alt + 0 }) };
}

function to1e7(degrees: number): number {
  return Math.round(degrees * 1e7) / 1e7 + 0;
}

function isoTime(timeMs: number): string {
  const isTime = timeMs >= BOUNDS.timestampMsMin && timeMs <= BOUNDS.timestampMsMax;
  return isTime ? new Date(timeMs).toISOString() : refuse('the time', 'is outside 1970 to 9999');
}
