import { createHash } from 'node:crypto';
import type { RunId } from '../../../protocol/ids.ts';
import { metricNamed } from '../../../protocol/metrics.ts';
import { type JsonValue, METRIC_NAME_PATTERN, RECORD_KINDS, RESERVED_KEYS } from '../../../protocol/record.ts';
import type { FlatRecord } from '../../recordlog/recordlog.ts';
import { BACKLOG_MS, eventDayOf, UNDATED } from '../remote/event-date.ts';
import type { StoreRecord } from '../remote/remote-store.ts';

export interface LineOptions {
  /** Of samples; alarms, gaps and events have measurements of their own, named by their kind. */
  readonly measurement: string;
  /** Keys of `info.tags` that become tags beside `gateway` and `station`. */
  readonly tags: readonly string[];
  /** Records older than that when they were received have no date, in milliseconds. */
  readonly retentionMs?: number;
}

/** Why a record can never be a line. */
export class Unwritable extends Error {}

/** Nanoseconds of 64 bits, less a millisecond at the end: the last is in April 2262. */
const TIME_MS_MAX = 9_223_372_036_853;
const SUBMILLISECOND = 1_000_000;
/** Keys that are written as tags, as the time, or by `ownFields`. */
const OWN = new Set('id gateway station kind timestamp clock received_at flags info location'.split(' '));

/**
 * A record as a line of InfluxDB's line protocol. It names every part of the record, so that the record can be read back.
 * The time is the event's millisecond and, below it, the sequence and the first 20 bits of SHA-256(run), modulo a million:
 * a repetition is the same point, and of a million records of a run in a row no two are. Throws `Unwritable`.
 */
export function lineOf(record: StoreRecord, options: LineOptions): string {
  const { flat, place } = record;
  if (!(RECORD_KINDS as readonly string[]).includes(flat.kind)) throw new Unwritable(`it is of no known kind`);
  const receivedMs = timeOf(flat.received_at);
  const eventMs = timeOf(flat.timestamp);
  if (flat.received_at !== undefined && receivedMs === undefined) throw new Unwritable('its received_at is no time');
  const isDated =
    eventMs !== undefined && isStorable(eventMs) && eventDayOf(flat, options.retentionMs ?? BACKLOG_MS) !== UNDATED;
  const timeMs = isDated ? eventMs : receivedMs !== undefined && isStorable(receivedMs) ? receivedMs : 0;
  const fields = [
    textField('id', flat.id),
    ...(place === undefined ? [] : [textField('run', place.run), `sequence=${place.sequence}i`]),
    ...(receivedMs === undefined ? [] : [`received_at=${receivedMs}i`]),
    ...(isDated ? [] : [textField('kind', flat.kind), textField('timestamp', flat.timestamp)]),
    ...ownFields(flat),
    ...metricFields(flat, options.tags),
  ];
  const measurement = isDated ? (flat.kind === 'sample' ? options.measurement : flat.kind) : UNDATED;
  const time = `${timeMs === 0 ? '' : timeMs}${String(belowMillisecond(record)).padStart(6, '0')}`;
  return `${escapedName(measurement)}${tagsOf(flat, options.tags)} ${fields.join(',')} ${time}`;
}

/** UTC milliseconds where the text is a time just as the protocol writes it. */
function timeOf(text: string | undefined): number | undefined {
  const timeMs = Date.parse(text ?? '');
  return Number.isFinite(timeMs) && new Date(timeMs).toISOString() === text ? timeMs : undefined;
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
    if (startOfRun.size === RUNS_MAX) startOfRun.clear();
    start = digestOf(place.run);
    startOfRun.set(place.run, start);
  }
  return (start + place.sequence) % SUBMILLISECOND;
}

const RUNS_MAX = 1024;
const startOfRun = new Map<RunId, number>();

/** The first 20 bits of a SHA-256. */
function digestOf(text: string): number {
  return createHash('sha256').update(text, 'utf8').digest().readUIntBE(0, 3) >>> 4;
}

function tagsOf({ gateway, station, info }: FlatRecord, keys: readonly string[]): string {
  const found = isObject(info) && isObject(info.tags) ? info.tags : {};
  const tags: [string, string][] = [
    ['gateway', tagText(gateway)],
    ['station', tagText(station)],
  ];
  for (const key of keys) {
    const value = Object.hasOwn(found, key) ? found[key] : undefined;
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
      tags.push([key, tagText(String(value))]);
  }
  // An empty value is none, and sorted keys cost the server less.
  const written = tags.filter(([, value]) => value !== '').sort(([a], [b]) => (a < b ? -1 : 1));
  return written.map(([key, value]) => `,${escaped(key)}=${escaped(value)}`).join('');
}

/** What a tag cannot hold is folded: the whole value stands in the field `info`. */
function tagText(text: string): string {
  return text
    .replaceAll('\\', '/')
    .replaceAll(/\p{Cc}+/gu, ' ')
    .trim();
}

function ownFields({ clock, info, location, flags }: FlatRecord): string[] {
  const fields: string[] = [];
  if (clock !== undefined) fields.push(textField('clock', clock));
  if (info !== undefined) fields.push(textField('info', JSON.stringify(info)));
  if (location !== undefined) {
    if (!isObject(location)) throw new Unwritable('its location is no object');
    for (const [part, value] of Object.entries(location)) {
      if (!['lat', 'lon', 'alt'].includes(part) || typeof value !== 'number')
        throw new Unwritable('its location has more than lat, lon and alt, or one that is no number');
      fields.push(`location.${part}=${numberText(value)}`);
    }
  }
  if (flags !== undefined) {
    if (!isObject(flags)) throw new Unwritable('its flags are no object');
    for (const [name, flag] of Object.entries(flags)) {
      if (!METRIC_NAME_PATTERN.test(name) || !Number.isSafeInteger(flag))
        throw new Unwritable('its flags name what is no metric, or give it no whole number');
      fields.push(`flag.${name}=${flag}i`);
    }
  }
  return fields;
}

function metricFields(flat: FlatRecord, tags: readonly string[]): string[] {
  const fields: string[] = [];
  for (const [name, value] of Object.entries(flat)) {
    if (OWN.has(name)) continue;
    if (!METRIC_NAME_PATTERN.test(name) || RESERVED_KEYS.has(name)) throw new Unwritable('a metric has no name of one');
    if (tags.includes(name)) throw new Unwritable(`its metric ${name} has the name of a tag`);
    const type = typeof value === 'string' ? 'text' : typeof value;
    const definition = metricNamed(name);
    // Whatever comes first decides what a field is: it must not be the wrong one.
    if (definition !== undefined && definition.type !== type)
      throw new Unwritable(`its metric ${name} is a ${type}, not a ${definition.type}`);
    if (typeof value === 'number') fields.push(`${name}=${numberText(value)}`);
    else if (typeof value === 'boolean') fields.push(`${name}=${value}`);
    else if (typeof value === 'string') fields.push(textField(name, value));
    else throw new Unwritable(`its metric ${name} is neither number, boolean nor text`);
  }
  return fields;
}

function textField(name: string, text: JsonValue): string {
  if (typeof text !== 'string') throw new Unwritable(`its ${name} is no text`);
  return `${name}="${text.replaceAll(/["\\]/g, '\\$&')}"`;
}

function numberText(value: number): string {
  if (!Number.isFinite(value)) throw new Unwritable('a number of it is not finite');
  return String(value);
}

/** Of a tag's key or value. */
function escaped(text: string): string {
  return text.replaceAll(/[,= ]/g, '\\$&');
}

/** Of a measurement. */
function escapedName(text: string): string {
  return text.replaceAll(/[, ]/g, '\\$&');
}

function isObject(value: JsonValue | undefined): value is { readonly [key: string]: JsonValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
