import type { JsonValue } from '../../../protocol/record.ts';
import { ConfigDocument, type Path } from '../../../runtime/config/document.ts';
import type { RawEntry } from './registry-table.ts';

/** What is wrong with a JSON text that was to be a registry. */
export class JsonEntriesError extends Error {
  override readonly name = 'JsonEntriesError';
  /** Counted from 1; 0 where it is not known. */
  readonly line: number;
  readonly hint: string;

  constructor(line: number, message: string, hint: string) {
    super(message);
    this.line = line;
    this.hint = hint;
  }
}

const SHAPE = 'Write a list of objects, or an object with one for each device.';

/**
 * The devices of a JSON registry: a list of objects, or an object of them by `key`. What stands in a mapping `location` is
 * lifted to `lat`, `lon` and `alt`. Throws `JsonEntriesError`.
 */
export function jsonEntries(text: string, key: string): RawEntry[] {
  const lines = new EntryLines(text);
  const data = parsed(text);
  if (Array.isArray(data)) {
    return data.map((entry: unknown, index) => {
      if (!isObject(entry)) throw new JsonEntriesError(lines.of([index]), `entry ${index + 1} is no object`, SHAPE);
      return { line: lines.of([index]), cells: flat(entry) };
    });
  }
  if (!isObject(data)) throw new JsonEntriesError(1, 'is neither a list nor an object', SHAPE);
  return Object.entries(data).map(([name, entry]) => {
    if (!isObject(entry)) throw new JsonEntriesError(lines.of([name]), `\`${name}\` is no object`, SHAPE);
    return { line: lines.of([name]), cells: { ...flat(entry), [key]: name } };
  });
}

type Entry = Readonly<Record<string, JsonValue>>;

function isObject(value: unknown): value is Entry {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

function flat(entry: Entry): Entry {
  const { location } = entry;
  return isObject(location) ? { ...location, ...entry } : entry;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\ufeff/, '')) as unknown;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const [, line] = /\(line (\d+) column \d+\)/.exec(error.message) ?? [];
    const last = text.trimEnd().split('\n').length;
    const message = error.message.replace(/ in JSON at position.*| \(line.*/, '');
    throw new JsonEntriesError(line === undefined ? last : Number(line), `is no JSON: ${message}`, '');
  }
}

/** Beyond this the reader that knows lines takes too long. */
const LOCATED_LENGTH_MAX = 256 * 1024;

/** Where entries stand, as `JSON.parse` does not tell. */
class EntryLines {
  readonly #text: string;
  #document: ConfigDocument | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  of(path: Path): number {
    if (this.#text.length > LOCATED_LENGTH_MAX) return 0;
    this.#document ??= new ConfigDocument(this.#text);
    return this.#document.data === undefined ? 0 : this.#document.locate(path, 'key').line;
  }
}
