import { ProtocolError } from '../errors.ts';
import { BOUNDS, type Info, type JsonValue } from '../record.ts';
import { type BitReader, unreadable } from './bit-reader.ts';
import { type BitWriter, bitLength } from './bit-writer.ts';
import { type JsonMeter, textJsonBytes } from './json-meter.ts';
import { readNumbers, requireNumber, writeNumbers } from './number-column.ts';
import { areRanges, readRanges, writeRanges } from './ranges.ts';
import { readText, requireText, writeText } from './text.ts';
import { WELL_KNOWN_TEXTS } from './well-known-texts.ts';

/** What a value is, in the order of its number on the wire. */
const NULL = 0;
const FALSE = 1;
const TRUE = 2;
const NUMBER = 3;
const TEXT = 4;
const ARRAY = 5;
const OBJECT = 6;
const RANGES = 7;

const WELL_KNOWN_NUMBERS: ReadonlyMap<string, number> = new Map(WELL_KNOWN_TEXTS.map((text, number) => [text, number]));

interface MeasuredText {
  readonly text: string;
  /** As JSON, with its quotes. */
  readonly jsonBytes: number;
}

const WELL_KNOWN_MEASURED: readonly MeasuredText[] = WELL_KNOWN_TEXTS.map(measured);

/** The one key that would not become a property. */
const FORBIDDEN_KEY = '__proto__';

/** The infos of one batch. A text that it has written once goes by its number from then on. */
export class InfoWriter {
  readonly #writer: BitWriter;
  readonly #meter: JsonMeter;
  /** Texts that this batch has written, beyond the well-known ones. */
  readonly #numbers = new Map<string, number>();

  constructor(writer: BitWriter, meter: JsonMeter) {
    this.#writer = writer;
    this.#meter = meter;
  }

  /** Throws `INVALID` or `BOUNDS`. */
  write(info: Info): void {
    this.#object(info, 1);
  }

  #object(object: { readonly [key: string]: JsonValue }, depth: number): void {
    requireDepth(depth);
    const entries = Object.entries(object);
    this.#meter.add(2);
    this.#writer.count(entries.length);
    for (const [key, value] of entries) {
      if (key === FORBIDDEN_KEY) throw forbiddenKey();
      this.#meter.add(2);
      this.#text(key);
      this.#value(value, depth);
    }
  }

  #value(value: JsonValue, depth: number): void {
    const writer = this.#writer;
    if (typeof value === 'number') {
      writer.bits(NUMBER, 3);
      this.#meter.add(writeNumbers(writer, [requireNumber(value)]));
    } else if (typeof value === 'string') {
      writer.bits(TEXT, 3);
      this.#text(value);
    } else if (value === null || typeof value === 'boolean') {
      writer.bits(value === null ? NULL : value ? TRUE : FALSE, 3);
      this.#meter.add(5);
    } else if (isArray(value)) {
      this.#array(value, depth + 1);
    } else if (typeof value === 'object') {
      writer.bits(OBJECT, 3);
      this.#object(value, depth + 1);
    } else {
      throw new ProtocolError('INVALID', `info may not hold a value of type ${typeof value}`);
    }
  }

  #array(values: readonly JsonValue[], depth: number): void {
    requireDepth(depth);
    if (areRanges(values)) {
      this.#writer.bits(RANGES, 3);
      this.#meter.add(rangesJsonBytes(values));
      writeRanges(this.#writer, values);
      return;
    }
    this.#writer.bits(ARRAY, 3);
    this.#meter.add(2);
    this.#writer.count(values.length);
    for (const value of values) {
      this.#meter.add(1);
      this.#value(value, depth);
    }
  }

  #text(text: string): void {
    this.#meter.add(textJsonBytes(text));
    const next = WELL_KNOWN_TEXTS.length + this.#numbers.size;
    const number = WELL_KNOWN_NUMBERS.get(text) ?? this.#numbers.get(text);
    this.#writer.bits(number ?? next, bitLength(next));
    if (number !== undefined) return;
    requireText(text, BOUNDS.infoTextBytes);
    this.#numbers.set(text, next);
    writeText(this.#writer, text);
  }
}

/** Reads what an `InfoWriter` wrote. */
export class InfoReader {
  readonly #reader: BitReader;
  readonly #meter: JsonMeter;
  readonly #texts: MeasuredText[] = [...WELL_KNOWN_MEASURED];

  constructor(reader: BitReader, meter: JsonMeter) {
    this.#reader = reader;
    this.#meter = meter;
  }

  read(): Info {
    return this.#object(1);
  }

  #object(depth: number): Record<string, JsonValue> {
    requireDepth(depth);
    const object: Record<string, JsonValue> = {};
    this.#meter.add(2);
    for (let left = this.#reader.count(); left > 0; left -= 1) {
      this.#meter.add(2);
      const key = this.#text();
      if (key === FORBIDDEN_KEY) throw forbiddenKey();
      if (Object.hasOwn(object, key)) throw new ProtocolError('INVALID', 'a key of info stands twice');
      object[key] = this.#value(depth);
    }
    return object;
  }

  #value(depth: number): JsonValue {
    const type = this.#reader.bits(3);
    if (type === NUMBER) {
      const { values, jsonBytes } = readNumbers(this.#reader, 1);
      this.#meter.add(jsonBytes);
      return values[0] as number;
    }
    if (type === TEXT) return this.#text();
    if (type === ARRAY || type === RANGES) return this.#array(type, depth + 1);
    if (type === OBJECT) return this.#object(depth + 1);
    this.#meter.add(5);
    return type === NULL ? null : type === TRUE;
  }

  #array(type: number, depth: number): readonly JsonValue[] {
    requireDepth(depth);
    if (type === RANGES) {
      const ranges = readRanges(this.#reader, BOUNDS.rangesPerAck);
      this.#meter.add(rangesJsonBytes(ranges));
      return ranges;
    }
    const values: JsonValue[] = [];
    this.#meter.add(2);
    for (let left = this.#reader.count(); left > 0; left -= 1) {
      this.#meter.add(1);
      values.push(this.#value(depth));
    }
    return values;
  }

  #text(): string {
    const number = this.#reader.bits(bitLength(this.#texts.length));
    if (number > this.#texts.length) throw unreadable('a text that was not written before');
    let known = this.#texts[number];
    if (known === undefined) {
      known = measured(readText(this.#reader, BOUNDS.infoTextBytes));
      this.#texts.push(known);
    }
    this.#meter.add(known.jsonBytes);
    return known.text;
  }
}

function measured(text: string): MeasuredText {
  return { text, jsonBytes: textJsonBytes(text) };
}

/** `[[1,2],[4,9]]`, each number counted with as many digits as a sequence may have. */
function rangesJsonBytes(ranges: readonly unknown[]): number {
  return 2 + ranges.length * 34;
}

function requireDepth(depth: number): void {
  if (depth > BOUNDS.infoDepth) throw new ProtocolError('BOUNDS', `info of more than ${BOUNDS.infoDepth} levels`);
}

function forbiddenKey(): ProtocolError {
  return new ProtocolError('INVALID', `info may not hold the key ${FORBIDDEN_KEY}`);
}

function isArray(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}
