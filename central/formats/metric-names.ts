import { hash } from 'node:crypto';
import { type MetricType, metricNamed } from '../../protocol/metrics.ts';
import { BOUNDS, type JsonValue, METRIC_NAME_PATTERN, type MetricValue } from '../../protocol/record.ts';
import { refuse } from './refuse.ts';
import { convert, unitSymbolOf } from './units.ts';

/** What a format calls something, in the registry's words. */
export interface MetricRule {
  /** Names of the registry, or `x_…`. Of several the first counts that the unit fits; without a unit the first of all. */
  readonly to: readonly [string, ...string[]];
  /** What the values are in where they come without a unit; the registry's when left out. */
  readonly unit?: string;
  /** Units that this format writes for others: a signal in `dB` that is in `dBm`. */
  readonly units?: Readonly<Record<string, string>>;
  /** Words of a category → values. Others of a category are refused. */
  readonly values?: Readonly<Record<string, MetricValue>>;
}

/** By the name in the format, lower-cased. */
export type MetricTable = ReadonlyMap<string, MetricRule>;

/** A value with its name. */
export interface Measure {
  /** Of the registry, in its unit; or `x_…`. */
  readonly metric: string;
  /** Undefined: the device has said that it has no value. */
  readonly value: MetricValue | undefined;
  /** Of an `x_…`, where one was given. */
  readonly unit: string | undefined;
}

export interface ForeignMeasure {
  readonly name: string;
  readonly value: JsonValue | undefined;
  readonly unit?: JsonValue | undefined;
  /** Where the value stands, for whoever has to read why it was refused. */
  readonly at: string;
}

const UNIT_CHARS = 32;
const METRIC_CHARS = 48;
const HASH_CHARS = 8;
const UNKNOWN_PREFIX = 'x_';

/** A table from `foreign name → metric`, or a whole rule. */
export function metricTable(rules: Readonly<Record<string, string | MetricRule>>): MetricTable {
  return new Map(
    Object.entries(rules).map(([name, rule]) => [
      name.toLowerCase(),
      typeof rule === 'string' ? { to: [rule] as const } : rule,
    ]),
  );
}

/**
 * The metric that a name stands for by itself: lower-case, every run of other characters one `_`, with the prefix `x_`;
 * one that is too long is cut, and a hash of the whole keeps two apart. Throws `RECORD_INVALID` for a name in which
 * nothing is left.
 */
export function unknownMetricOf(name: string, at: string): string {
  const folded = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_|_$/g, '');
  if (folded === '') return refuse(at, 'has a name without any letter of a to z or digit');
  const metric = folded.startsWith(UNKNOWN_PREFIX) ? folded : `${UNKNOWN_PREFIX}${folded}`;
  if (metric.length <= METRIC_CHARS) return metric;
  return `${metric.slice(0, METRIC_CHARS - HASH_CHARS - 1)}_${hash('sha256', name).slice(0, HASH_CHARS)}`;
}

/** A name and a unit, understood. */
export interface NamedMetric {
  readonly metric: string;
  /** What its values come in; undefined: not said, and taken as the registry's. */
  readonly unit: string | undefined;
  readonly rule: MetricRule | undefined;
}

/**
 * The metric that a name and a unit stand for. A unit that does not fit the registry's, or is not known, makes it an
 * `x_…`. Throws `RECORD_INVALID`.
 */
export function metricOf(table: MetricTable, { name, unit, at }: ForeignMeasure): NamedMetric {
  const rule = table.get(name.toLowerCase());
  const written = writtenUnitOf(unit, at) ?? rule?.unit;
  const own = rule?.units ?? {};
  const inUnit = written !== undefined && Object.hasOwn(own, written) ? own[written] : written;
  const metric = rule?.to.find((candidate) => fits(candidate, inUnit)) ?? unknownMetricOf(name, at);
  return { metric, unit: inUnit, rule };
}

/**
 * The value as the registry has it. 0 and 1 are values of what is true or false; `null` is no value. Throws
 * `RECORD_INVALID` for a value of another type, one that is not finite, or a text that is too long: nothing becomes 0.
 */
export function measureOf({ metric, unit, rule }: NamedMetric, value: JsonValue | undefined, at: string): Measure {
  const known = metricNamed(metric);
  const noted = known === undefined && unit !== undefined ? unitSymbolOf(unit) : undefined;
  if (value === null || value === undefined) return { metric, value: undefined, unit: noted };
  const worded = typeof value === 'string' && rule?.values !== undefined ? wordOf(value, rule.values, at) : value;
  const taken = typedOf(worded, known?.type, at);
  if (typeof taken !== 'number') return { metric, value: taken, unit: noted };
  const inOurs = known === undefined || unit === undefined ? taken : convert(taken, unit, known.unit);
  // `metricOf` has tried the pair; a conversion may still leave the range of numbers.
  if (inOurs === undefined || !Number.isFinite(inOurs)) return refuse(at, 'is a number without bounds');
  return { metric, value: inOurs + 0, unit: noted };
}

function writtenUnitOf(unit: JsonValue | undefined, at: string): string | undefined {
  if (unit === undefined || unit === null) return undefined;
  if (typeof unit !== 'string') return refuse(at, 'has a unit that is no text');
  const trimmed = unit.trim().toWellFormed();
  if (trimmed.length > UNIT_CHARS) return refuse(at, `has a unit of more than ${UNIT_CHARS} characters`);
  return trimmed === '' ? undefined : trimmed;
}

function fits(metric: string, unit: string | undefined): boolean {
  const known = metricNamed(metric);
  return known === undefined || unit === undefined || convert(1, unit, known.unit) !== undefined;
}

function wordOf(text: string, values: Readonly<Record<string, MetricValue>>, at: string): MetricValue {
  const word = text.trim().toLowerCase();
  const value = Object.hasOwn(values, word) ? values[word] : undefined;
  return value ?? refuse(at, `is none of ${Object.keys(values).join(', ')}`);
}

function typedOf(value: JsonValue, type: MetricType | undefined, at: string): MetricValue {
  if (typeof value === 'object') return refuse(at, 'is an object or a list, and no value');
  if (typeof value === 'number' && !Number.isFinite(value)) return refuse(at, 'is a number without bounds');
  if (type === 'boolean' && (value === 0 || value === 1)) return value === 1;
  if (type === 'number' && typeof value !== 'number') return refuse(at, 'is no number');
  if (type === 'boolean' && typeof value !== 'boolean') return refuse(at, 'is neither true nor false, nor 1 or 0');
  if (type === 'text' && typeof value !== 'string') return refuse(at, 'is no text');
  if (typeof value !== 'string') return value;
  const text = value.toWellFormed();
  if (text === '') return refuse(at, 'is an empty text');
  if (Buffer.byteLength(text) > BOUNDS.textBytes) return refuse(at, `is a text of more than ${BOUNDS.textBytes} bytes`);
  return text;
}

/** Whether a configured metric may be used as it is: of the registry, or an `x_…`. */
export function isMetricForForeign(name: string): boolean {
  return metricNamed(name) !== undefined || (name.startsWith(UNKNOWN_PREFIX) && METRIC_NAME_PATTERN.test(name));
}
