import { BOUNDS, type Info, type JsonValue } from '../../protocol/record.ts';
import { cutText, refuse } from './refuse.ts';
import type { TimeZone } from './time-zone.ts';

/** A time that a device has said. */
export interface ForeignTime {
  /** UTC, milliseconds since 1970; what is finer is cut off. */
  readonly timestampMs: number;
  /**
   * For the reading's `info`, where UTC alone does not say what was written: `source_time`, as it was, and
   * `source_time_local: 'fold' | 'gap'` where a change of summer time leaves open what was meant.
   */
  readonly info: Info;
}

/** `auto`: below 10¹¹ seconds (until 5138), from there on milliseconds (since 1973). */
export type EpochUnit = 's' | 'ms' | 'auto';

const AUTO_MS_FROM = 1e11;
const LOCAL_PATTERN =
  /^(\d{4})-(\d{2})-(\d{2})[ T](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s?(Z|[+-]\d{2}(?::?\d{2})?)?$/i;
const DIGITS_PATTERN = /^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})$/;
/** A day, or a day and a minute, in digits: as a number it would be of 1970 to 2001. */
const DATE_DIGITS_PATTERN = /^\d{8}(?:\d{4})?$/;
/** Before it no device has said seconds or milliseconds since 1970 whose clock was set. */
const EPOCH_FROM_MS = Date.UTC(2000, 0);
const NUMBER_PATTERN = /^\d{1,13}(?:\.\d+)?$/;

/** Seconds or milliseconds since 1970. Throws `RECORD_INVALID` for a time outside 1970 to 9999, or none. */
export function epochTimeOf(value: number, at: string, unit: EpochUnit = 'auto'): ForeignTime {
  const isMs = unit === 'ms' || (unit === 'auto' && Math.abs(value) >= AUTO_MS_FROM);
  // Rounded to microseconds first, as a binary fraction of a second is nearly always a little less or more than was meant.
  const micros = Math.round(isMs ? value * 1e3 : value * 1e6);
  return { timestampMs: bounded(Math.floor(micros / 1e3), at), info: {} };
}

/**
 * `YYYY-MM-DD HH:MM[:SS[.ffffff]]`, with a space or a `T`, and either an offset (`Z`, `+02:00`, `+0200`, `+02`) or a zone
 * to read it in. A fold is its first pass, a gap is read as if the clock had not been put forward (`TimeZone`). Throws
 * `RECORD_INVALID` for another shape, a day or hour that there is not, or a time without offset where no zone is known.
 */
export function textTimeOf(text: string, at: string, zone: TimeZone | undefined): ForeignTime {
  const [match, year, month, day, hour, minute, second = '0', fraction = '', offset] =
    LOCAL_PATTERN.exec(text.trim()) ?? [];
  if (match === undefined) return refuse(at, `is no time: ${quoted(text)}`);
  const localMs = localMsOf([year, month, day, hour, minute, second].map(Number), text, at);
  const withFractionMs = localMs + Number(fraction.slice(0, 3).padEnd(3, '0'));
  if (offset === undefined) return zonedTimeOf(withFractionMs, text.trim(), at, zone);
  return { timestampMs: bounded(withFractionMs - offsetMsOf(offset, text, at), at), info: {} };
}

/** The whole number or text `YYYYMMDDhhmmss`, read in a zone. Throws `RECORD_INVALID` as `textTimeOf`. */
export function digitsTimeOf(value: number | string, at: string, zone: TimeZone | undefined): ForeignTime {
  const [match, ...parts] = DIGITS_PATTERN.exec(String(value).trim()) ?? [];
  if (match === undefined) return refuse(at, `is no YYYYMMDDhhmmss: ${quoted(String(value))}`);
  return zonedTimeOf(localMsOf(parts.map(Number), match, at), match, at, zone);
}

/**
 * Any of these, by its shape: 14 digits are `YYYYMMDDhhmmss`, fewer seconds or milliseconds since 1970, but for texts of 8 and 12,
 * which are dates, and what would be before 2000: both are refused. Anything else is a text.
 * `undefined` and `null`: the device says no time, and nor does this. Throws `RECORD_INVALID`.
 */
export function anyTimeOf(
  value: JsonValue | undefined,
  at: string,
  zone: TimeZone | undefined,
): ForeignTime | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'number' && typeof value !== 'string') return refuse(at, 'is no time: neither number nor text');
  const text = String(value).trim();
  if (DIGITS_PATTERN.test(text)) return digitsTimeOf(text, at, zone);
  if (typeof value === 'number') return epochSince2000Of(value, at);
  if (DATE_DIGITS_PATTERN.test(text)) return refuse(at, `is a date without seconds: ${quoted(text)}`);
  return NUMBER_PATTERN.test(text) ? epochSince2000Of(Number(text), at) : textTimeOf(text, at, zone);
}

function epochSince2000Of(value: number, at: string): ForeignTime {
  const time = epochTimeOf(value, at);
  return time.timestampMs >= EPOCH_FROM_MS ? time : refuse(at, 'is a number of seconds or milliseconds before 2000');
}

function zonedTimeOf(localMs: number, written: string, at: string, zone: TimeZone | undefined): ForeignTime {
  if (zone === undefined) return refuse(at, `says no zone, and the source has none: ${quoted(written)}`);
  const { timestampMs, local } = zone.instantOf(localMs);
  return {
    timestampMs: bounded(timestampMs, at),
    info: { source_time: written, ...(local === 'once' ? {} : { source_time_local: local }) },
  };
}

/** Whole seconds, as if it were UTC. */
function localMsOf(parts: readonly number[], text: string, at: string): number {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts;
  const localMs = Date.UTC(year, month - 1, day, hour, minute, second);
  const date = new Date(localMs);
  // Date.UTC goes on to the next month, and takes years below 100 for those of the last century.
  const isThere =
    date.getUTCFullYear() === year &&
    date.getUTCMonth() === month - 1 &&
    date.getUTCDate() === day &&
    hour < 24 &&
    minute < 60 &&
    second < 60;
  return isThere ? localMs : refuse(at, `is a time that there is not: ${quoted(text)}`);
}

function offsetMsOf(offset: string, text: string, at: string): number {
  if (offset.toUpperCase() === 'Z') return 0;
  const hours = Number(offset.slice(1, 3));
  const minutes = Number(offset.slice(3).replace(':', '') || '0');
  if (hours > 23 || minutes > 59) refuse(at, `is a time with an offset that there is not: ${quoted(text)}`);
  return (offset.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000;
}

function bounded(timestampMs: number, at: string): number {
  const isTime = timestampMs >= BOUNDS.timestampMsMin && timestampMs <= BOUNDS.timestampMsMax;
  return isTime ? timestampMs + 0 : refuse(at, 'is a time outside 1970 to 9999');
}

function quoted(text: string): string {
  return JSON.stringify(cutText(text.slice(0, 64)));
}
