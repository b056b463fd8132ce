import type { JsonValue } from '../../../protocol/record.ts';
import { fieldOf, isObject } from '../foreign-json.ts';

/** Where a mapping looks for something. */
export interface FieldPath {
  /** `entry`: the part that the reading is made of; `message`: all of it; `topic`: the levels of the topic, from 0. */
  readonly from: 'entry' | 'message' | 'topic';
  /** Keys of objects, and indices of lists and of levels, as they are written. */
  readonly parts: readonly string[];
  /** As it is written in the mapping. */
  readonly written: string;
}

/** What paths are followed in. */
export interface Scope {
  readonly entry: JsonValue;
  readonly message: JsonValue;
  readonly topic: string | undefined;
  /** Where the entry stands in the message: `readings[3]`, `line 3`; '' for all of it. */
  readonly at: string;
}

const PARTS_MAX = 16;
/** A bare part, or one in quotes; a dot before each but the first. */
const PART = /(?:^|(?<!^)\.)(?:([^."\s][^."]*)|"((?:[^"\\]|\\["\\])+)")/y;

/**
 * `a.b`, `a.0.b`, `a."b.c"`: keys, and indices of lists from 0, from the entry on; `$.a`: from the message on; `$`: all of it;
 * `$topic.1`: a level of the topic, counted from 0. Undefined where the text is none of these.
 */
export function fieldPathOf(written: string): FieldPath | undefined {
  const [, level] = /^\$topic\.(\d{1,3})$/.exec(written) ?? [];
  if (level !== undefined) return { from: 'topic', parts: [level], written };
  if (written === '$') return { from: 'message', parts: [], written };
  const isWhole = written.startsWith('$.');
  if (written.startsWith('$') && !isWhole) return undefined;
  const parts = partsOf(isWhole ? written.slice(2) : written);
  return parts === undefined ? undefined : { from: isWhole ? 'message' : 'entry', parts, written };
}

/** A column of a delimited line, by the name that the mapping gives it, or a level of the topic. */
export function columnPathOf(written: string): FieldPath | undefined {
  return written.startsWith('$') ? fieldPathOf(written) : { from: 'entry', parts: [written], written };
}

/** What stands at the path; undefined where there is nothing. */
export function valueAtPath({ from, parts }: FieldPath, { entry, message, topic }: Scope): JsonValue | undefined {
  if (from === 'topic') return topic?.split('/')[Number(parts[0])];
  let value: JsonValue | undefined = from === 'entry' ? entry : message;
  for (const part of parts) {
    if (Array.isArray(value)) value = INDEX.test(part) ? (value[Number(part)] as JsonValue | undefined) : undefined;
    else value = isObject(value) ? fieldOf(value, part) : undefined;
    if (value === undefined) return undefined;
  }
  return value;
}

/** The place for people: `readings[3].temp`. */
export function placeOf({ from, written }: FieldPath, { at }: Scope): string {
  if (from !== 'entry' || at === '') return written;
  return at.startsWith('line ') ? `${at}, ${written}` : `${at}.${written}`;
}

const INDEX = /^\d{1,6}$/;

function partsOf(text: string): string[] | undefined {
  const parts: string[] = [];
  PART.lastIndex = 0;
  for (let at = 0; at < text.length; at = PART.lastIndex) {
    const [match, bare, quoted] = PART.exec(text) ?? [];
    if (match === undefined || parts.length === PARTS_MAX) return undefined;
    parts.push(bare?.trimEnd() ?? (quoted as string).replaceAll(/\\(.)/g, '$1'));
  }
  return parts.length === 0 ? undefined : parts;
}
