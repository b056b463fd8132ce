import { hash } from 'node:crypto';
import { BOUNDS, type JsonValue } from '../../protocol/record.ts';
import type { JsonObject } from './foreign-json.ts';

/** Fields of an envelope that are kept. */
const FIELDS_MAX = 32;
const HASH_CHARS = 8;
/** What `info` says by itself. */
const OWN_KEYS = new Set(
  'source_id source_time source_time_local time_from tags unit peers times extra left_out'.split(' '),
);

/**
 * What an envelope says beside its readings, for `info`: texts, finite numbers, true and false, under their names in
 * snake_case; one that is called like something of ours begins with `x_`. Objects, lists and null are left out, and what
 * is beyond 32, in the order of their keys. A text that is longer than a record may hold is left out, and its name stands
 * in `left_out`. Of keys that fold to one name, that which is it, or else the first by order, has it; the others end in a
 * hash of theirs. The order in which they stand in the message says nothing.
 */
export function envelopeInfo(envelope: JsonObject, without: ReadonlySet<string>): Record<string, JsonValue> {
  const info: Record<string, JsonValue> = {};
  const leftOut: string[] = [];
  const plain = Object.entries(envelope).filter(([key, value]) => !without.has(key) && isPlain(value));
  const named = plain.map(([key, value]) => ({ key, value, name: nameOf(key) })).filter(({ name }) => name !== '');
  named.sort((a, b) => Number(a.key !== a.name) - Number(b.key !== b.name) || (a.key < b.key ? -1 : 1));
  for (const { key, value, name } of named) {
    if (Object.keys(info).length === FIELDS_MAX) break;
    const free =
      Object.hasOwn(info, name) || leftOut.includes(name)
        ? `${name}_${hash('sha256', key).slice(0, HASH_CHARS)}`
        : name;
    if (typeof value === 'string' && Buffer.byteLength(value) > BOUNDS.infoTextBytes) leftOut.push(free);
    else info[free] = typeof value === 'string' ? value.toWellFormed() : value;
  }
  return leftOut.length === 0 ? info : { ...info, left_out: leftOut.slice(0, FIELDS_MAX).sort() };
}

function isPlain(value: JsonValue): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value);
}

function nameOf(key: string): string {
  const name = key
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_|_$/g, '')
    .slice(0, BOUNDS.textBytes);
  return OWN_KEYS.has(name) ? `x_${name}` : name;
}
