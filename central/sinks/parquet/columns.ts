import type { JsonValue } from '../../../protocol/record.ts';
import { METRIC_COLUMNS } from '../remote/metric-columns.ts';
import type { StoreRecord } from '../remote/remote-store.ts';

/** Types as the Parquet format calls them. */
export type ColumnType = 'STRING' | 'DOUBLE' | 'INT64' | 'TIMESTAMP';
export type Cell = string | number | bigint | Date | undefined;

/** A column of every file. None is ever taken away or changed: files of one folder are read as one table. */
export interface RecordColumn {
  readonly name: string;
  readonly type: ColumnType;
  readonly isRequired: boolean;
}

const required = (name: string, type: ColumnType): RecordColumn => ({ name, type, isRequired: true });
const optional = (name: string, type: ColumnType): RecordColumn => ({ name, type, isRequired: false });

export const COLUMNS: readonly RecordColumn[] = [
  required('id', 'STRING'),
  required('gateway', 'STRING'),
  required('station', 'STRING'),
  required('kind', 'STRING'),
  required('timestamp', 'TIMESTAMP'),
  required('clock', 'STRING'),
  optional('received_at', 'TIMESTAMP'),
  optional('run', 'STRING'),
  optional('sequence', 'INT64'),
  optional('lat', 'DOUBLE'),
  optional('lon', 'DOUBLE'),
  optional('alt', 'DOUBLE'),
  ...METRIC_COLUMNS.map((name) => optional(name, 'DOUBLE')),
  // JSON, each: Parquet knows no value of any type.
  optional('metrics', 'STRING'),
  optional('flags', 'STRING'),
  optional('info', 'STRING'),
];

export type RecordRow = Readonly<Record<string, Cell>>;

const TIMES: ReadonlySet<string> = new Set(['timestamp', 'received_at']);
const TEXTS: ReadonlySet<string> = new Set(['id', 'gateway', 'station', 'kind', 'clock']);
const NUMBERS: ReadonlySet<string> = new Set(METRIC_COLUMNS);
const JSONS: ReadonlySet<string> = new Set(['flags', 'info']);
const PLACE = ['lat', 'lon', 'alt'] as const;

/**
 * The row that a record is. What fits no column as it is (another metric, a text where a number is usual) stands in
 * `metrics` under its own key, so that the whole record can be had back.
 */
export function rowOf({ flat, place }: StoreRecord): RecordRow {
  const row: Record<string, Cell> = { run: place?.run };
  if (place !== undefined) row.sequence = BigInt(place.sequence);
  const rest: Record<string, JsonValue> = {};
  for (const [key, value] of Object.entries(flat)) {
    const cell = cellOf(key, value);
    if (cell !== undefined) row[key] = cell;
    else if (key === 'location' && isPlace(value)) for (const axis of PLACE) row[axis] = value[axis];
    else if (value !== undefined) rest[key] = value;
  }
  // One that is written in another way stands in `metrics` as it is, and here as near as can be.
  row.timestamp ??= new Date(Date.parse(flat.timestamp) || 0);
  if (Object.keys(rest).length > 0) row.metrics = JSON.stringify(rest);
  return row;
}

function cellOf(key: string, value: JsonValue): Cell {
  if (typeof value === 'number') return NUMBERS.has(key) ? value : undefined;
  if (typeof value === 'string') {
    if (TEXTS.has(key)) return value;
    if (!TIMES.has(key)) return undefined;
    const time = new Date(value);
    // Every record's times are written so; this is what makes the column say the same.
    return !Number.isNaN(time.getTime()) && time.toISOString() === value ? time : undefined;
  }
  return JSONS.has(key) ? JSON.stringify(value) : undefined;
}

interface Place {
  readonly lat: number;
  readonly lon: number;
  readonly alt?: number;
}

function isPlace(value: JsonValue): value is JsonValue & Place {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const entries = Object.entries(value);
  return (
    'lat' in value &&
    'lon' in value &&
    entries.every(([key, number]) => typeof number === 'number' && (PLACE as readonly string[]).includes(key))
  );
}
