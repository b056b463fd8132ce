import { metricNamed, metricNumbered } from '../../protocol/metrics.ts';
import type { Observation } from '../../protocol/record.ts';
import { CLOCK_STATES, type Flag, type Info, type Location, type MetricValue } from '../../protocol/record.ts';
import { type ByteReader, type ByteWriter, decimalsOf } from './byte-stream.ts';

/**
 * What stands in `records.body`: everything of a record that has no column. Names nothing by a dictionary, so that a row
 * can be salvaged alone, and takes some 40 bytes for nine metrics.
 *
 * First byte: version (high nibble), info, location, clock (two bits). Then the number of metrics and, for each: its number
 * of the registry, or 0 and its name; flag (high nibble) and type; the value. Then location and info (JSON).
 */
export type Body = Pick<Observation, 'clock' | 'metrics' | 'flags' | 'location' | 'info'>;

const VERSION = 0;
const HAS_LOCATION = 0x04;
const HAS_INFO = 0x08;

/** Types below this are numbers of so many decimals. */
const TYPE_FLOAT64 = 10;
const TYPE_FALSE = 11;
const TYPE_TRUE = 12;
const TYPE_TEXT = 13;
/** A flag without a value. */
const TYPE_ABSENT = 14;

export function encodeBody(to: ByteWriter, { clock, metrics, flags, location, info }: Body): void {
  const hasLocation = location === undefined ? 0 : HAS_LOCATION;
  const hasInfo = info === undefined ? 0 : HAS_INFO;
  to.byte((VERSION << 4) | hasInfo | hasLocation | CLOCK_STATES.indexOf(clock));
  // No `Object.keys`: in a for-in loop the engine finds a value by its place, not by its name.
  let count = 0;
  for (const _ in metrics) count += 1;
  const flagged = Object.keys(flags);
  const flaggedOnly = flagged.filter((name) => !Object.hasOwn(metrics, name));
  // Most records have no flag, and to look for each would take a sixth of the time.
  const hasFlags = flagged.length > 0;
  to.varint(count + flaggedOnly.length);
  for (const name in metrics) encodeMetric(to, name, metrics[name], hasFlags ? flags[name] : undefined);
  for (const name of flaggedOnly) encodeMetric(to, name, undefined, flags[name]);
  if (location !== undefined) {
    encodeNumber(to, location.lat, 0);
    encodeNumber(to, location.lon, 0);
    if (location.alt === undefined) to.byte(TYPE_ABSENT);
    else encodeNumber(to, location.alt, 0);
  }
  if (info !== undefined) to.text(JSON.stringify(info));
}

/** Whether `decodeBody` threw this because the bytes are no body. */
export function isDamage(error: unknown): boolean {
  return error instanceof RangeError || error instanceof SyntaxError;
}

/** Throws `RangeError` or `SyntaxError` when the bytes are no body. */
export function decodeBody(from: ByteReader): Body {
  const head = from.byte();
  if (head >>> 4 !== VERSION) throw new RangeError(`unknown version of a row: ${head >>> 4}`);
  const clock = CLOCK_STATES[head & 0x03];
  if (clock === undefined) throw new RangeError('unknown clock of a row');
  const metrics: Record<string, MetricValue> = {};
  const flags: Record<string, Flag> = {};
  for (let count = from.varint(); count > 0; count -= 1) {
    const number = from.varint();
    const name = number === 0 ? from.text() : metricNumbered(number)?.name;
    if (name === undefined) throw new RangeError(`unknown metric of a row: ${number}`);
    const tag = from.byte();
    const value = decodeValue(from, tag & 0x0f);
    if (value !== undefined) metrics[name] = value;
    if (tag >>> 4 !== 0) flags[name] = (tag >>> 4) as Flag;
  }
  return {
    clock,
    metrics,
    flags,
    ...((head & HAS_LOCATION) === 0 ? {} : { location: decodeLocation(from) }),
    ...((head & HAS_INFO) === 0 ? {} : { info: JSON.parse(from.text()) as Info }),
  };
}

function encodeMetric(to: ByteWriter, name: string, value: MetricValue | undefined, flag: Flag | undefined): void {
  const number = metricNamed(name)?.number ?? 0;
  to.varint(number);
  if (number === 0) to.text(name);
  const high = (flag ?? 0) << 4;
  if (typeof value === 'number') encodeNumber(to, value, high);
  else if (typeof value === 'string') {
    to.byte(high | TYPE_TEXT);
    to.text(value);
  } else if (value === undefined) to.byte(high | TYPE_ABSENT);
  else to.byte(high | (value ? TYPE_TRUE : TYPE_FALSE));
}

function encodeNumber(to: ByteWriter, value: number, high: number): void {
  const decimals = decimalsOf(value);
  to.byte(high | (decimals ?? TYPE_FLOAT64));
  if (decimals === undefined) to.float64(value);
  else to.scaled(value, decimals);
}

function decodeValue(from: ByteReader, type: number): MetricValue | undefined {
  if (type < TYPE_FLOAT64) return from.scaled(type);
  if (type === TYPE_FLOAT64) return from.float64();
  if (type === TYPE_FALSE) return false;
  if (type === TYPE_TRUE) return true;
  if (type === TYPE_TEXT) return from.text();
  if (type === TYPE_ABSENT) return undefined;
  throw new RangeError(`unknown type of a value: ${type}`);
}

function decodeLocation(from: ByteReader): Location {
  const lat = decodeNumber(from);
  const lon = decodeNumber(from);
  const alt = decodeNumber(from);
  if (lat === undefined || lon === undefined) throw new RangeError('a place without latitude or longitude');
  return { lat, lon, ...(alt === undefined ? {} : { alt }) };
}

function decodeNumber(from: ByteReader): number | undefined {
  const value = decodeValue(from, from.byte() & 0x0f);
  if (value !== undefined && typeof value !== 'number') throw new RangeError('not a number');
  return value;
}
