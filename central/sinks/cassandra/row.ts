import { types } from 'cassandra-driver';
import { FLAGS, type JsonValue } from '../../../protocol/record.ts';
import { eventDayOf } from '../remote/event-date.ts';
import { METRIC_COLUMNS } from '../remote/metric-columns.ts';
import type { StoreRecord } from '../remote/remote-store.ts';
import { Unwritable } from '../remote/unwritable.ts';

/** What is written, in the order of `rowOf`. */
export const ROW_COLUMNS: readonly string[] = [
  ...['gateway', 'station', 'day', 'timestamp', 'id', 'kind', 'clock', 'run', 'sequence', 'received_at'],
  ...['location', 'flags', 'info'],
  ...METRIC_COLUMNS,
  ...METRIC_COLUMNS.map((name) => `${name}_outlier`),
  ...['metrics', 'texts', 'booleans'],
];

/** A row as the driver takes it: undefined leaves a column alone, where null would write a tombstone. */
export interface Row {
  /** Names the partition. */
  readonly partition: string;
  /** In the order of `ROW_COLUMNS`, and then the time of writing, in microseconds since 1970. */
  readonly values: readonly unknown[];
}

interface Metrics {
  readonly numbers: Record<string, number>;
  readonly texts: Record<string, string>;
  readonly booleans: Record<string, boolean>;
}

/** A partition's key has 65,535 bytes, and three of them are around each part of it. */
const KEY_BYTES_MAX = 65_535 - 3 * 3;
const UUID_PATTERN = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const [, , SUSPECT, FAIL] = FLAGS;
const NOT_KNOWN: ReadonlySet<JsonValue | undefined> = new Set([2, 9]);
const OUTLIERS: ReadonlySet<JsonValue | undefined> = new Set([SUSPECT, FAIL]);

/**
 * A record as one row. It was written when it was received, whenever that is: a row that comes again has the same times and
 * changes nothing, and who deletes today is later than it. Throws `Unwritable`.
 * @param retentionMs how old a record may be when it is received to stand under its day, in milliseconds
 */
export function rowOf({ flat, place }: StoreRecord, retentionMs: number | undefined): Row {
  const { id, gateway, station, kind, timestamp, clock, received_at, location, flags, info, ...metrics } = flat;
  if (!UUID_PATTERN.test(id)) throw new Unwritable('its id is no UUID');
  const event = dateOf(timestamp);
  const received = received_at === undefined ? undefined : dateOf(received_at);
  const day = eventDayOf(flat, retentionMs);
  if (Buffer.byteLength(gateway + station + day) > KEY_BYTES_MAX)
    throw new Unwritable(`its gateway and station have more than ${KEY_BYTES_MAX} bytes`);
  const { numbers, texts, booleans } = byType(metrics);
  const values = [
    ...[gateway, station, day].map(asText),
    ...[event, types.Uuid.fromString(id), asText(kind), asText(clock)],
    ...[place?.run, place === undefined ? undefined : types.Long.fromNumber(place.sequence), received],
    ...[numbersIn('location', location, Number.isFinite), numbersIn('flags', flags, isInt)],
    info === undefined ? undefined : JSON.stringify(info),
    ...METRIC_COLUMNS.map((name) => numbers[name]),
    ...METRIC_COLUMNS.map((name) => isOutlier(metrics[name], flagOf(flags, name))),
    ...[furtherOf(numbers), texts, booleans].map((map) => (Object.keys(map).length === 0 ? undefined : map)),
    types.Long.fromNumber((received ?? event).getTime()).multiply(1000),
  ];
  return { partition: [gateway, station, day].join('\0'), values };
}

function asText(text: string): string {
  if (!text.isWellFormed()) throw new Unwritable('one of its texts has half a character, for which UTF-8 has no bytes');
  return text;
}

function dateOf(iso: string): Date {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime()) || date.toISOString() !== iso)
    throw new Unwritable('its time is not like 2026-01-31T22:59:59.999Z');
  return date;
}

function byType(metrics: Readonly<Record<string, JsonValue | undefined>>): Metrics {
  const sorted: Metrics = { numbers: {}, texts: {}, booleans: {} };
  for (const [name, value] of Object.entries(metrics)) {
    if (typeof value === 'number') sorted.numbers[name] = value;
    else if (typeof value === 'string') sorted.texts[name] = asText(value);
    else if (typeof value === 'boolean') sorted.booleans[name] = value;
    else throw new Unwritable(`its ${name} is neither a number nor a text nor a boolean`);
  }
  return sorted;
}

function furtherOf(numbers: Readonly<Record<string, number>>): Record<string, number> {
  const further = { ...numbers };
  for (const name of METRIC_COLUMNS) delete further[name];
  return further;
}

/** A map of numbers, as `location` and `flags` are. */
function numbersIn(
  name: string,
  value: JsonValue | undefined,
  isTaken: (each: unknown) => boolean,
): Record<string, number> | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every(isTaken))
    return value as Record<string, number>;
  throw new Unwritable(`its ${name} has something else than numbers that fit`);
}

/** Of 32 bits. */
function isInt(each: unknown): boolean {
  return Number.isInteger(each) && (each as number) >> 0 === each;
}

function flagOf(flags: JsonValue | undefined, name: string): JsonValue | undefined {
  return typeof flags === 'object' && flags !== null ? (flags as Readonly<Record<string, JsonValue>>)[name] : undefined;
}

/** Undefined where nobody has judged: not evaluated, missing, or neither a value nor a flag. */
function isOutlier(value: JsonValue | undefined, flag: JsonValue | undefined): boolean | undefined {
  if (NOT_KNOWN.has(flag) || (flag === undefined && value === undefined)) return undefined;
  return OUTLIERS.has(flag);
}
