import type { Location, MetricValue } from '../../protocol/record.ts';
import type { Reading } from '../driver.ts';

/** What one line of a log says of a station at one moment. */
export interface RecordedReading {
  readonly station: string;
  readonly timestampMs: number;
  readonly reading: Reading;
}

const MISSING = 9;

/**
 * The samples in one line of NDJSON: a flat record as the centre's file sink writes it, or several as `mooring read --json`
 * prints them. Other kinds of record give nothing; undefined where the line is neither.
 */
export function recordedIn(line: string, metrics: readonly string[]): RecordedReading[] | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (!isMapping(value)) return undefined;
  const records = Array.isArray(value.records) ? value.records : [value];
  const recorded: RecordedReading[] = [];
  for (const record of records) {
    if (!isMapping(record) || typeof record.station !== 'string') return undefined;
    if (record.kind !== 'sample') continue;
    const timestampMs = typeof record.timestamp === 'string' ? Date.parse(record.timestamp) : Number.NaN;
    if (!Number.isFinite(timestampMs)) return undefined;
    recorded.push({ station: record.station, timestampMs, reading: readingOf(record, metrics) });
  }
  return recorded;
}

type Mapping = Readonly<Record<string, unknown>>;

function readingOf(record: Mapping, names: readonly string[]): Reading {
  const metrics: Record<string, MetricValue> = {};
  for (const name of names) if (isMetricValue(record[name])) metrics[name] = record[name];
  const flags = isMapping(record.flags) ? record.flags : {};
  const missing = names.filter((name) => flags[name] === MISSING && metrics[name] === undefined);
  const location = locationIn(record.location);
  return { metrics, missing, ...(location === undefined ? {} : { location }) };
}

function locationIn(value: unknown): Location | undefined {
  if (!isMapping(value)) return undefined;
  const { lat, lon, alt } = value;
  if (!isNumber(lat) || !isNumber(lon)) return undefined;
  return isNumber(alt) ? { lat, lon, alt } : { lat, lon };
}

function isMetricValue(value: unknown): value is MetricValue {
  return isNumber(value) || typeof value === 'boolean' || typeof value === 'string';
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function isMapping(value: unknown): value is Mapping {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
