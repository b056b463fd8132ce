import type { JsonValue } from '../../protocol/record.ts';
import type { JsonObject } from './foreign-json.ts';

/** Fields of an envelope that are kept. */
const FIELDS_MAX = 32;
/** What `info` says by itself. */
const OWN_KEYS = new Set('source_id source_time source_time_local time_from tags unit peers times extra'.split(' '));

/**
 * What an envelope says beside its readings, for `info`: texts, finite numbers, true and false, under their names in
 * snake_case; one that is called like something of ours begins with `x_`. Objects, lists and null are left out, and what
 * comes after the first 32.
 */
export function envelopeInfo(envelope: JsonObject, without: ReadonlySet<string>): Record<string, JsonValue> {
  const info: Record<string, JsonValue> = {};
  for (const [key, value] of Object.entries(envelope)) {
    if (without.has(key) || Object.keys(info).length === FIELDS_MAX) continue;
    const isPlain = typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value);
    const name = key
      .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '_')
      .replace(/^_|_$/g, '');
    if (isPlain && name !== '') info[OWN_KEYS.has(name) ? `x_${name}` : name] = value;
  }
  return info;
}
