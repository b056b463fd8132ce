import { ProtocolError } from '../errors.ts';
import { type MetricDefinition, type MetricType, metricNamed, metricNumbered } from '../metrics.ts';
import {
  BOUNDS,
  CLOCK_STATES,
  FLAGS,
  type Flag,
  GATEWAY_STATION,
  type Location,
  METRIC_NAME_PATTERN,
  type MetricValue,
  NAME_PATTERN,
  RECORD_KINDS,
  RESERVED_KEYS,
  type SequencedRecord,
} from '../record.ts';
import { requireNumber } from './number-column.ts';
import { requireText } from './text.ts';

/** The last number of the registry that this version writes; later metrics go by name until there is a newer one. */
export const NUMBERED_METRICS_MAX = 49;

/** Throws `INVALID` for what no record may say, apart from its metrics, flags and info. */
export function requireRecord({ sequence, station, kind, timestampMs, clock, location }: SequencedRecord): void {
  if (!(Number.isInteger(sequence) && sequence >= 1 && sequence <= BOUNDS.sequenceMax)) {
    throw invalid('a sequence counts from 1 to 2^48 - 1');
  }
  requireStation(station);
  if (!RECORD_KINDS.includes(kind)) throw invalid('a record of no known kind');
  if (!CLOCK_STATES.includes(clock)) throw invalid('a clock in no known state');
  requireTime(timestampMs);
  if (location !== undefined) requireLocation(location);
}

export function requireStation(station: string): void {
  if (!NAME_PATTERN.test(station) && station !== GATEWAY_STATION) throw invalid('no station may have this name');
}

export function requireTime(timestampMs: number): void {
  if (
    !Number.isInteger(timestampMs) ||
    timestampMs < BOUNDS.timestampMsMin ||
    timestampMs > BOUNDS.timestampMsMax ||
    Object.is(timestampMs, -0)
  ) {
    throw invalid('a time outside 1970 to 9999, or not in whole milliseconds');
  }
}

export function requireLocation({ lat, lon, alt }: Location): void {
  if (!(Math.abs(requireNumber(lat)) <= 90 && Math.abs(requireNumber(lon)) <= 180)) {
    throw invalid('a location that is not on Earth');
  }
  if (alt !== undefined) requireNumber(alt);
}

export function requireMetricName(name: string): void {
  if (!METRIC_NAME_PATTERN.test(name) || RESERVED_KEYS.has(name)) throw invalid('no metric may have this name');
}

/** A metric's name, and a type that the registry does not contradict: what a writer may write. */
export function requireMetric(name: string, type: MetricType): void {
  requireMetricName(name);
  const registered = metricNamed(name);
  if (registered !== undefined && registered.type !== type) {
    throw invalid(`${name} is a ${registered.type} for ever`);
  }
}

export function typeOf(value: MetricValue): MetricType {
  if (typeof value === 'number' || typeof value === 'boolean') return typeof value as 'number' | 'boolean';
  if (typeof value === 'string') return 'text';
  throw invalid('a metric is a number, a boolean or a text');
}

export function requireValue(value: MetricValue): void {
  if (typeof value === 'number') requireNumber(value);
  else if (typeof value === 'string') requireText(value, BOUNDS.textBytes);
}

export function requireFlag(flag: Flag): void {
  if (!FLAGS.includes(flag)) throw invalid('a flag is 1, 2, 3, 4 or 9');
}

/** The metric that goes by a number in this version. */
export function numberedMetric(number: number): MetricDefinition | undefined {
  return number <= NUMBERED_METRICS_MAX ? metricNumbered(number) : undefined;
}

/** The number that a metric goes by in this version. */
export function numberOfMetric(name: string): number | undefined {
  const number = metricNamed(name)?.number;
  return number !== undefined && number <= NUMBERED_METRICS_MAX ? number : undefined;
}

export function invalid(what: string): ProtocolError {
  return new ProtocolError('INVALID', what);
}
