import { createHash } from 'node:crypto';
import type { RunId } from '../../../protocol/ids.ts';
import { type MetricType, metricNamed } from '../../../protocol/metrics.ts';
import { type JsonValue, METRIC_NAME_PATTERN, RECORD_KINDS, RESERVED_KEYS } from '../../../protocol/record.ts';
import type { FlatRecord } from '../../recordlog/recordlog.ts';
import { isLikely, UNDATED } from '../remote/event-date.ts';
import type { StoreRecord } from '../remote/remote-store.ts';
import { Unwritable } from '../remote/unwritable.ts';

export interface LineOptions {
  /** Of samples; alarms, gaps and events have measurements of their own, named by their kind. */
  readonly measurement: string;
  /** Keys of `info.tags` that become tags beside `gateway` and `station`. */
  readonly tags: readonly string[];
  /** Records older than that when they were received have no date, in milliseconds. */
  readonly retentionMs?: number;
}

/** Nanoseconds of 64 bits, less a millisecond at the end: the last is in April 2262. */
const TIME_MS_MAX = 9_223_372_036_853;
const SUBMILLISECOND = 1_000_000;
const KINDS: ReadonlySet<string> = new Set(RECORD_KINDS);
/** Of what is remembered of records before, because it comes again: all of it is forgotten then. */
const REMEMBERED_MAX = 1024;
const REMEMBERED_LENGTH_MAX = 256;

/**
 * A record as a line of InfluxDB's line protocol. It names every part of the record, so that the record can be read back.
 * The time is the event's millisecond and, below it, the sequence and the first 20 bits of SHA-256(run), modulo a million:
 * a repetition is the same point, and of a million records of a run in a row no two are. Throws `Unwritable`.
 */
export function lineOf(record: StoreRecord, options: LineOptions): string {
  const { flat, place } = record;
  if (!KINDS.has(flat.kind)) throw new Unwritable(`it is of no known kind`);
  const receivedMs = timeOf(flat.received_at);
  const eventMs = timeOf(flat.timestamp);
  if (flat.received_at !== undefined && receivedMs === undefined) throw new Unwritable('its received_at is no time');
  const isDated =
    eventMs !== undefined && isStorable(eventMs) && isLikely(eventMs, receivedMs ?? eventMs, options.retentionMs);
  const timeMs = isDated ? eventMs : receivedMs !== undefined && isStorable(receivedMs) ? receivedMs : 0;
  let fields = textField('id', flat.id);
  if (place !== undefined) fields += `,${textField('run', place.run)},sequence=${place.sequence}i`;
  if (receivedMs !== undefined) fields += `,received_at=${receivedMs}i`;
  if (!isDated) fields += `,${textField('kind', flat.kind)},${textField('timestamp', flat.timestamp)}`;
  fields += ownFields(flat) + metricFields(flat, options.tags);
  const measurement = isDated ? (flat.kind === 'sample' ? options.measurement : flat.kind) : UNDATED;
  const time = `${timeMs === 0 ? '' : timeMs}${String(belowMillisecond(record)).padStart(6, '0')}`;
  return `${escapedName(measurement)}${tagsOf(flat, options.tags)} ${fields} ${time}`;
}

const TIME_OF_DAY = /^.{10}T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$/;
/** Days that there are: to know that of a day costs more than all else about a time. */
const days = new Set<string>();

/** UTC milliseconds where the text is a time just as the protocol writes it. */
function timeOf(text: string | undefined): number | undefined {
  if (typeof text !== 'string') return undefined;
  const timeMs = Date.parse(text);
  const day = text.slice(0, 'yyyy-mm-dd'.length);
  if (days.has(day) && TIME_OF_DAY.test(text)) return timeMs;
  if (!Number.isFinite(timeMs) || new Date(timeMs).toISOString() !== text) return undefined;
  if (days.size === REMEMBERED_MAX) days.clear();
  days.add(day);
  return timeMs;
}

function isStorable(timeMs: number): boolean {
  return timeMs >= 0 && timeMs <= TIME_MS_MAX;
}

/**
 * A run counts on from a digit of its own: two of a gateway whose clock starts at the same time over and over must not be
 * the same point. An existing device's id names no run: its digest alone says which it is.
 */
function belowMillisecond({ place, flat }: StoreRecord): number {
  if (place === undefined) return digestOf(flat.id) % SUBMILLISECOND;
  let start = startOfRun.get(place.run);
  if (start === undefined) {
    start = digestOf(place.run);
    remember(startOfRun, place.run, start);
  }
  return (start + place.sequence) % SUBMILLISECOND;
}

const startOfRun = new Map<RunId, number>();

/** The first 20 bits of a SHA-256. */
function digestOf(text: string): number {
  return createHash('sha256').update(text, 'utf8').digest().readUIntBE(0, 3) >>> 4;
}

function tagsOf({ gateway, station, info }: FlatRecord, keys: readonly string[]): string {
  if (keys.length === 0) return tagOf('gateway', gateway) + tagOf('station', station);
  const found = isObject(info) && isObject(info.tags) ? info.tags : {};
  const tags: [key: string, tag: string][] = [
    ['gateway', tagOf('gateway', gateway)],
    ['station', tagOf('station', station)],
  ];
  for (const key of keys) {
    const value = Object.hasOwn(found, key) ? found[key] : undefined;
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
      tags.push([key, tagOf(key, String(value))]);
  }
  // Sorted keys cost the server less.
  return tags
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, tag]) => tag)
    .join('');
}

/** An empty value is none. */
function tagOf(key: string, value: string): string {
  let text = tagTexts.get(value);
  if (text === undefined) {
    text = escaped(tagText(value));
    if (value.length <= REMEMBERED_LENGTH_MAX) remember(tagTexts, value, text);
  }
  return text === '' ? '' : `,${escaped(key)}=${text}`;
}

const tagTexts = new Map<string, string>();

/** What a tag cannot hold is folded: the whole value stands in the field `info`. */
function tagText(text: string): string {
  return text
    .replaceAll('\\', '/')
    .replaceAll(/\p{Cc}+/gu, ' ')
    .trim();
}

function ownFields({ clock, info, location, flags }: FlatRecord): string {
  let fields = '';
  if (clock !== undefined) fields += `,${textField('clock', clock)}`;
  if (info !== undefined) fields += `,${textField('info', JSON.stringify(info))}`;
  if (location !== undefined) {
    if (!isObject(location)) throw new Unwritable('its location is no object');
    for (const [part, value] of Object.entries(location)) {
      if (!['lat', 'lon', 'alt'].includes(part) || typeof value !== 'number')
        throw new Unwritable('its location has more than lat, lon and alt, or one that is no number');
      fields += `,location.${part}=${numberText(value)}`;
    }
  }
  if (flags !== undefined) {
    if (!isObject(flags)) throw new Unwritable('its flags are no object');
    for (const [name, flag] of Object.entries(flags)) {
      if (!METRIC_NAME_PATTERN.test(name) || !Number.isSafeInteger(flag))
        throw new Unwritable('its flags name what is no metric, or give it no whole number');
      fields += `,flag.${name}=${flag}i`;
    }
  }
  return fields;
}

function metricFields(flat: FlatRecord, tags: readonly string[]): string {
  let fields = '';
  for (const name of Object.keys(flat)) {
    const meaning = meaningOf(name);
    if (meaning === 'own') continue;
    if (meaning === 'none') throw new Unwritable('a metric has no name of one');
    if (tags.includes(name)) throw new Unwritable(`its metric ${name} has the name of a tag`);
    const value = flat[name];
    const type = typeof value === 'string' ? 'text' : typeof value;
    // Whatever comes first decides what a field is: it must not be the wrong one.
    if (meaning !== 'any' && meaning !== type)
      throw new Unwritable(`its metric ${name} is a ${type}, not a ${meaning}`);
    if (typeof value === 'number') fields += `,${name}=${numberText(value)}`;
    else if (typeof value === 'boolean') fields += `,${name}=${value}`;
    else if (typeof value === 'string') fields += `,${textField(name, value)}`;
    else throw new Unwritable(`its metric ${name} is neither number, boolean nor text`);
  }
  return fields;
}

/** What a key of a record is: written elsewhere, of a metric with that type, of one with any, or of none. */
type Meaning = 'own' | MetricType | 'any' | 'none';

/** Keys that are written as tags, as the time, or by `ownFields`. */
const OWN = 'id gateway station kind timestamp clock received_at flags info location'.split(' ');
const meanings = new Map<string, Meaning>();

function meaningOf(key: string): Meaning {
  const known = meanings.get(key);
  if (known !== undefined) return known;
  const isMetric = METRIC_NAME_PATTERN.test(key) && !RESERVED_KEYS.has(key);
  const meaning = OWN.includes(key) ? 'own' : isMetric ? (metricNamed(key)?.type ?? 'any') : 'none';
  if (meaning !== 'none') remember(meanings, key, meaning);
  return meaning;
}

function remember<K, V>(among: Map<K, V>, key: K, value: V): void {
  if (among.size === REMEMBERED_MAX) among.clear();
  among.set(key, value);
}

function textField(name: string, text: JsonValue): string {
  if (typeof text !== 'string') throw new Unwritable(`its ${name} is no text`);
  return `${name}="${/["\\]/.test(text) ? text.replaceAll(/["\\]/g, '\\$&') : text}"`;
}

function numberText(value: number): string {
  if (!Number.isFinite(value)) throw new Unwritable('a number of it is not finite');
  return String(value);
}

/** Of a tag's key or value. */
function escaped(text: string): string {
  return /[,= ]/.test(text) ? text.replaceAll(/[,= ]/g, '\\$&') : text;
}

/** Of a measurement. */
function escapedName(text: string): string {
  return /[, ]/.test(text) ? text.replaceAll(/[, ]/g, '\\$&') : text;
}

function isObject(value: JsonValue | undefined): value is { readonly [key: string]: JsonValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
