import { type Ack, REJECT_CODES, type RejectCode, sinkRejectCode } from './ack.ts';
import { BitReader } from './codec/bit-reader.ts';
import { BitWriter } from './codec/bit-writer.ts';
import { crc32c } from './codec/crc32c.ts';
import { copyOf, requireBatchName, TOKEN_BYTES } from './codec/preamble.ts';
import { areRanges, readRanges, writeRanges } from './codec/ranges.ts';
import { ProtocolError } from './errors.ts';
import { SALT_BYTES } from './ids.ts';
import type { Range } from './intervals.ts';
import { BOUNDS, NAME_PATTERN } from './record.ts';

/** `MA` */
const MAGIC = 0x4d41;
const ACK_VERSION = 1;
const SALT_AT = 3;
const BATCH_AT = SALT_AT + SALT_BYTES;
const TOKEN_AT = BATCH_AT + 4;
const PARTS_AT = TOKEN_AT + TOKEN_BYTES;
const CRC_BYTES = 4;
const RETRY_AFTER_MS_MAX = 2 ** 32 - 1;

/**
 * An acknowledgement as bytes (docs/protocol.md, "Acknowledgement").
 * Throws `BOUNDS` where it has too many ranges, `INVALID` where a part may not be.
 */
export function encodeAck(ack: Ack): Uint8Array {
  requireBatchName(ack);
  const parts = writeParts(ack);
  const bytes = new Uint8Array(PARTS_AT + parts.length + CRC_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, MAGIC);
  view.setUint8(2, ACK_VERSION);
  bytes.set(ack.salt, SALT_AT);
  view.setUint32(BATCH_AT, ack.batch);
  bytes.set(ack.token, TOKEN_AT);
  bytes.set(parts, PARTS_AT);
  view.setUint32(bytes.length - CRC_BYTES, crc32c(bytes.subarray(0, bytes.length - CRC_BYTES)));
  return bytes;
}

/** Throws `NOT_AN_ACK` and nothing else. */
export function decodeAck(bytes: Uint8Array): Ack {
  if (bytes.length < PARTS_AT + CRC_BYTES) throw notAnAck('too short');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = bytes.length - CRC_BYTES;
  if (view.getUint16(0) !== MAGIC || view.getUint8(2) !== ACK_VERSION) throw notAnAck('it begins with something else');
  if (view.getUint32(end) !== crc32c(bytes.subarray(0, end))) throw notAnAck('it is damaged');
  const named = {
    salt: copyOf(bytes, SALT_AT, BATCH_AT),
    batch: view.getUint32(BATCH_AT),
    token: copyOf(bytes, TOKEN_AT, PARTS_AT),
  };
  try {
    return { ...named, ...readParts(bytes.subarray(PARTS_AT, end)) };
  } catch (cause) {
    if (!(cause instanceof ProtocolError)) throw cause;
    throw new ProtocolError('NOT_AN_ACK', cause.message, { cause });
  }
}

function writeParts({ stored, held, rejected, busy, unreadable, versionMax }: Ack): Uint8Array {
  const all = [stored, held?.ranges, ...(rejected?.map(({ ranges }) => ranges) ?? [])];
  requireRanges(all.filter((ranges) => ranges !== undefined));
  const writer = new BitWriter();
  writer.flag(stored !== undefined);
  if (stored !== undefined) writeRanges(writer, stored);
  writer.flag(held !== undefined);
  if (held !== undefined) {
    writer.bits(requireWhole(held.seconds, 0, BOUNDS.heldSecondsMax), 10);
    writeRanges(writer, held.ranges);
  }
  writer.count(rejected?.length ?? 0);
  for (const { ranges, code } of rejected ?? []) {
    writeCode(writer, code);
    writeRanges(writer, ranges);
  }
  writer.flag(busy !== undefined);
  if (busy !== undefined) writer.bits(requireWhole(busy.retryAfterMs, 0, RETRY_AFTER_MS_MAX), 32);
  writer.flag(unreadable === true);
  writer.flag(versionMax !== undefined);
  if (versionMax !== undefined) writer.bits(requireWhole(versionMax, 1, 255), 8);
  return writer.finish();
}

function readParts(bytes: Uint8Array): Omit<Ack, 'salt' | 'batch' | 'token'> {
  const reader = new BitReader(bytes);
  let rangesLeft: number = BOUNDS.rangesPerAck;
  const ranges = (): Range[] => {
    const read = readRanges(reader, rangesLeft);
    rangesLeft -= read.length;
    return read;
  };
  const stored = reader.flag() ? ranges() : undefined;
  const held = reader.flag()
    ? { seconds: requireWhole(reader.bits(10), 0, BOUNDS.heldSecondsMax), ranges: ranges() }
    : undefined;
  const rejected: { ranges: Range[]; code: RejectCode }[] = [];
  for (let left = reader.count(); left > 0; left -= 1) {
    rejected.push({ code: readCode(reader), ranges: ranges() });
  }
  const busy = reader.flag() ? { retryAfterMs: reader.bits(32) } : undefined;
  const unreadable = reader.flag();
  const versionMax = reader.flag() ? requireWhole(reader.bits(8), 1, 255) : undefined;
  reader.end();
  return {
    ...(stored === undefined ? {} : { stored }),
    ...(held === undefined ? {} : { held }),
    ...(rejected.length === 0 ? {} : { rejected }),
    ...(busy === undefined ? {} : { busy }),
    ...(unreadable ? { unreadable } : {}),
    ...(versionMax === undefined ? {} : { versionMax }),
  };
}

/** Follows the codes that have a number of their own: a sink's name comes after it. */
const SINK_CODE = REJECT_CODES.length;
const SINK_PREFIX = sinkRejectCode('');
const NAME_BYTES_MAX = 63;

function writeCode(writer: BitWriter, code: RejectCode): void {
  const number = (REJECT_CODES as readonly string[]).indexOf(code);
  if (number !== -1) {
    writer.count(number);
    return;
  }
  const name = code.startsWith(SINK_PREFIX) ? code.slice(SINK_PREFIX.length) : '';
  if (!NAME_PATTERN.test(name)) throw new ProtocolError('INVALID', `no code of a rejection: ${code}`);
  writer.count(SINK_CODE);
  writer.count(name.length);
  for (let at = 0; at < name.length; at += 1) writer.bits(name.charCodeAt(at), 8);
}

function readCode(reader: BitReader): RejectCode {
  const number = reader.count();
  const code = REJECT_CODES[number];
  if (code !== undefined) return code;
  if (number !== SINK_CODE) throw notAnAck('a rejection of no known code');
  const length = requireWhole(reader.count(), 1, NAME_BYTES_MAX);
  const name = Array.from({ length }, () => String.fromCharCode(reader.bits(8))).join('');
  if (!NAME_PATTERN.test(name)) throw notAnAck('a rejection by a sink of no possible name');
  return sinkRejectCode(name);
}

function requireRanges(parts: readonly (readonly Range[])[]): void {
  const count = parts.reduce((sum, ranges) => sum + ranges.length, 0);
  if (count > BOUNDS.rangesPerAck) throw new ProtocolError('BOUNDS', `more than ${BOUNDS.rangesPerAck} ranges`);
  if (!parts.every(areRanges)) {
    throw new ProtocolError('INVALID', 'ranges of an ack ascend, are disjoint, and at least one');
  }
}

function requireWhole(value: number, least: number, most: number): number {
  if (!(Number.isInteger(value) && value >= least && value <= most)) {
    throw new ProtocolError('INVALID', `not a whole number from ${least} to ${most}: ${value}`);
  }
  return value;
}

function notAnAck(what: string): ProtocolError {
  return new ProtocolError('NOT_AN_ACK', what);
}
