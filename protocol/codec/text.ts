import { ProtocolError } from '../errors.ts';
import { type BitReader, unreadable } from './bit-reader.ts';
import type { BitWriter } from './bit-writer.ts';

/** How a text is written, in the order of its number on the wire. */
const UTF8 = 0;
const HEX = 1;
const UUID = 2;

const HEX_PATTERN = /^(?:[0-9a-f]{2})+$/;
const UUID_PATTERN = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const UUID_BYTES = 16;

/** Refuses a byte order mark no more than any other character, and turns nothing into U+FFFD. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A text in UTF-8; hex digits and UUIDs, as salts and ids are, at half their length. */
export function writeText(writer: BitWriter, text: string): void {
  if (UUID_PATTERN.test(text)) {
    writer.bits(UUID, 2);
    writer.bytes(Buffer.from(text.replaceAll('-', ''), 'hex'));
    return;
  }
  const isHex = HEX_PATTERN.test(text);
  const bytes = Buffer.from(text, isHex ? 'hex' : 'utf8');
  writer.bits(isHex ? HEX : UTF8, 2);
  writer.count(bytes.length);
  writer.bytes(bytes);
}

/** Reads a text of at most `bytesMax` bytes. */
export function readText(reader: BitReader, bytesMax: number): string {
  const form = reader.bits(2);
  if (form > UUID) throw unreadable('a text of no known form');
  if (form === UUID) return requireLength(uuidOf(reader.bytes(UUID_BYTES)), bytesMax);
  const length = reader.count();
  if (length > bytesMax) throw tooLong(bytesMax);
  const bytes = reader.bytes(length);
  return form === HEX ? requireLength(Buffer.from(bytes).toString('hex'), bytesMax) : decodeUtf8(bytes);
}

/** Throws `INVALID` where a text has half a surrogate pair, `BOUNDS` where it is too long. */
export function requireText(text: string, bytesMax: number): void {
  if (!text.isWellFormed()) throw new ProtocolError('INVALID', 'a text with half a surrogate pair');
  if (Buffer.byteLength(text) > bytesMax) throw tooLong(bytesMax);
}

/** Characters of names, in the order of their six bits on the wire. */
const NAME_ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789_.-';

/** A name of a station or metric, up to 63 characters of six bits. */
export function writeName(writer: BitWriter, name: string): void {
  writer.bits(name.length, 6);
  for (const character of name) writer.bits(NAME_ALPHABET.indexOf(character), 6);
}

export function readName(reader: BitReader): string {
  let name = '';
  for (let left = reader.bits(6); left > 0; left -= 1) {
    const character = NAME_ALPHABET[reader.bits(6)];
    if (character === undefined) throw unreadable('a name of other characters');
    name += character;
  }
  return name;
}

function uuidOf(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

function requireLength(text: string, bytesMax: number): string {
  if (text.length > bytesMax) throw tooLong(bytesMax);
  return text;
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new ProtocolError('INVALID', 'a text that is not UTF-8', { cause });
  }
}

function tooLong(bytesMax: number): ProtocolError {
  return new ProtocolError('BOUNDS', `a text of more than ${bytesMax} bytes`);
}
