import type { JsonValue } from '../../../protocol/record.ts';
import { DEPTH_MAX } from '../foreign-json.ts';
import { refuse } from '../refuse.ts';

const WORDS: ReadonlyMap<string, JsonValue> = new Map<string, JsonValue>([
  ['True', true],
  ['False', false],
  ['None', null],
  ['true', true],
  ['false', false],
  ['null', null],
  ['nan', Number.NaN],
  ['inf', Number.POSITIVE_INFINITY],
  ['np.True_', true],
  ['np.False_', false],
  ['np.nan', Number.NaN],
  ['np.inf', Number.POSITIVE_INFINITY],
]);
/** NumPy 2 writes a scalar with its type: `np.float64(25.1)`. */
const SCALAR_TYPE = /^(?:np|numpy)\.(?:float|int|uint)\d+$|^(?:np|numpy)\.(?:bool_?|str_|longlong|double)$/;
const NUMBER = /[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/y;
const WORD = /[A-Za-z_][\w.]*/y;
const SPACE = /\s*/y;
const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['n', '\n'],
  ['t', '\t'],
  ['r', '\r'],
  ['b', '\b'],
  ['f', '\f'],
  ['\\', '\\'],
  ["'", "'"],
  ['"', '"'],
  ['/', '/'],
]);
const HEX_LENGTHS: ReadonlyMap<string, number> = new Map([
  ['x', 2],
  ['u', 4],
  ['U', 8],
]);

/**
 * What Python's `str` makes of a dictionary: texts in single or double quotes, `True`, `False`, `None`, `nan`, `inf`,
 * lists, tuples, NumPy's scalars; JSON too. Nothing is evaluated; as deep as `DEPTH_MAX`. Throws `RECORD_INVALID` with the
 * position of what it does not know.
 */
export function pythonReprOf(text: string): JsonValue {
  const reader = new Reader(text);
  const value = reader.value(DEPTH_MAX);
  reader.end();
  return value;
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(depth: number): JsonValue {
    this.#space();
    const start = this.#text[this.#at] ?? '';
    if (start === '{') return this.#dictionary(this.#deeper(depth));
    if (start === '[') return this.#list(']', this.#deeper(depth));
    if (start === '(') return this.#list(')', this.#deeper(depth));
    if (start === "'" || start === '"') return this.#quoted(start);
    const number = this.#match(NUMBER);
    if (number !== undefined) return Number(number) + 0;
    return this.#wordValue(depth);
  }

  end(): void {
    this.#space();
    if (this.#at < this.#text.length) this.#fail('is no longer Python');
  }

  #dictionary(depth: number): JsonValue {
    const entries: [string, JsonValue][] = [];
    this.#at += 1;
    while (!this.#takes('}')) {
      if (entries.length > 0) this.#expect(',');
      if (entries.length > 0 && this.#takes('}')) break;
      const key = this.value(0);
      if (typeof key !== 'string' && typeof key !== 'number') this.#fail('has a key that is no text');
      this.#expect(':');
      entries.push([String(key), this.value(depth)]);
    }
    // As a property of its own, whatever its name.
    return Object.fromEntries(entries);
  }

  #list(close: string, depth: number): JsonValue {
    const items: JsonValue[] = [];
    this.#at += 1;
    while (!this.#takes(close)) {
      if (items.length > 0) this.#expect(',');
      if (items.length > 0 && this.#takes(close)) break;
      items.push(this.value(depth));
    }
    return items;
  }

  #quoted(quote: string): string {
    let said = '';
    this.#at += 1;
    for (;;) {
      const next = this.#text[this.#at];
      if (next === undefined || next === '\n') return this.#fail('has a text without an end');
      this.#at += 1;
      if (next === quote) return said;
      said += next === '\\' ? this.#escape() : next;
    }
  }

  #escape(): string {
    const kind = this.#text[this.#at] ?? '';
    this.#at += 1;
    const plain = ESCAPES.get(kind);
    if (plain !== undefined) return plain;
    const length = HEX_LENGTHS.get(kind) ?? 0;
    const hex = this.#text.slice(this.#at, this.#at + length);
    const code = /^[0-9a-f]+$/i.test(hex) && hex.length === length ? Number.parseInt(hex, 16) : Number.NaN;
    if (!(code <= 0x10ffff)) return this.#fail('has an escape that there is not');
    this.#at += length;
    return String.fromCodePoint(code);
  }

  #wordValue(depth: number): JsonValue {
    const start = this.#at;
    const isNegative = this.#text[start] === '-';
    if (isNegative) this.#at += 1;
    const word = this.#match(WORD) ?? '';
    const value = WORDS.get(word);
    if (typeof value === 'number') return isNegative ? -value : value;
    if (value !== undefined && !isNegative) return value;
    if (!isNegative && SCALAR_TYPE.test(word) && this.#takes('(')) {
      const scalar = this.value(this.#deeper(depth));
      this.#expect(')');
      if (typeof scalar !== 'object') return scalar;
    }
    this.#at = start;
    return this.#fail('is no Python');
  }

  #deeper(depth: number): number {
    return depth > 0 ? depth - 1 : this.#fail(`has more than ${DEPTH_MAX} objects and lists in one another`);
  }

  #takes(mark: string): boolean {
    this.#space();
    if (this.#text[this.#at] !== mark) return false;
    this.#at += 1;
    return true;
  }

  #expect(mark: string): void {
    if (!this.#takes(mark)) this.#fail(`has no ${mark}`);
  }

  #space(): void {
    this.#match(SPACE);
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const [found] = pattern.exec(this.#text) ?? [];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  #fail(what: string): never {
    return refuse('', `${what} at position ${this.#at}`);
  }
}
