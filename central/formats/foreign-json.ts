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

/** A number that may be -0; a reviver costs twice what parsing does, and is asked where there is one only. */
const MINUS_ZERO = /(?:^|[:,[\s])-0/;

/** Strict JSON (RFC 8259), not deeper than `DEPTH_MAX`, -0 as 0. Throws `RECORD_INVALID` with the position. */
export function jsonOf(bytes: Uint8Array): JsonValue {
  const text = textOf(bytes);
  let value: JsonValue;
  try {
    value = JSON.parse(text, MINUS_ZERO.test(text) ? withoutMinusZero : undefined) as JsonValue;
  } catch (error) {
    // A reviver goes as deep as the text does, and so may find the end of the stack.
    if (error instanceof RangeError) return refuse('', `has more than ${DEPTH_MAX} objects and lists in one another`);
    if (!(error instanceof SyntaxError)) throw error;
    const said = error.message.replace('end of JSON input', `end at position ${text.length}`);
    return refuse('', `is no JSON: ${cutText(said)}`);
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

/**
 * Names and values in an order of their own: first what is in lower case, and so is as it will be called, then by UTF-16.
 * The order in which they stand in a message decides nothing.
 */
export function entriesOf(object: JsonObject): readonly (readonly [name: string, value: JsonValue])[] {
  return Object.entries(object)
    .map(([name, value]) => ({ name, value, isFolded: name === name.toLowerCase() }))
    .sort((a, b) => Number(b.isFolded) - Number(a.isFolded) || (a.name < b.name ? -1 : 1))
    .map(({ name, value }) => [name, value] as const);
}

/** A device's name for itself: a text, or a whole number that has lost no digit. Throws `RECORD_INVALID`. */
export function sourceIdOf(value: JsonValue | undefined, at: string): string {
  if (value === undefined || value === null) return refuse(at, 'is missing: nothing says which device this is');
  if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value);
  if (typeof value === 'string' && value.trim() !== '') return value.trim().toWellFormed();
  return refuse(at, 'is no name of a device: neither a text nor a whole number');
}

function withoutMinusZero(_: string, value: JsonValue): JsonValue {
  return typeof value === 'number' ? value + 0 : value;
}

function isDeeperThan(value: JsonValue, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (depth === 0) return true;
  return Object.values(value).some((inner) => isDeeperThan(inner, depth - 1));
}
