import type { JsonValue } from '../../protocol/record.ts';
import { cutText, refuse } from './refuse.ts';

export type JsonObject = { readonly [key: string]: JsonValue };

/** Objects and lists in one another; whatever is deeper is no device's. */
export const DEPTH_MAX = 16;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** The message as text; a byte order mark is left out. Throws `RECORD_INVALID` for what is no UTF-8. */
export function textOf(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    return refuse('', 'is no UTF-8 text');
  }
}

/** Strict JSON (RFC 8259), not deeper than `DEPTH_MAX`. Throws `RECORD_INVALID` with the position. */
export function jsonOf(bytes: Uint8Array): JsonValue {
  const text = textOf(bytes);
  let value: JsonValue;
  try {
    value = JSON.parse(text) as JsonValue;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return refuse('', `is no JSON: ${cutText(error.message)}`);
  }
  if (isDeeperThan(value, DEPTH_MAX)) refuse('', `has more than ${DEPTH_MAX} objects and lists in one another`);
  return value;
}

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Throws `RECORD_INVALID` for anything but an object. */
export function objectOf(value: JsonValue | undefined, at: string): JsonObject {
  return isObject(value) ? value : refuse(at, 'is no object');
}

/** Of the object itself, never what every object inherits: `__proto__`, `constructor`. */
export function fieldOf(object: JsonObject, key: string): JsonValue | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/** A device's name for itself: a text, or a whole number that has lost no digit. Throws `RECORD_INVALID`. */
export function sourceIdOf(value: JsonValue | undefined, at: string): string {
  if (value === undefined || value === null) return refuse(at, 'is missing: nothing says which device this is');
  if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value);
  if (typeof value === 'string' && value.trim() !== '') return value.trim().toWellFormed();
  return refuse(at, 'is no name of a device: neither a text nor a whole number');
}

function isDeeperThan(value: JsonValue, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (depth === 0) return true;
  return Object.values(value).some((inner) => isDeeperThan(inner, depth - 1));
}
