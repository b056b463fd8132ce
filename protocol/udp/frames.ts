import assert from 'node:assert/strict';
import { SALT_BYTES } from '../ids.ts';
import { type Direction, plainBytesMax } from './datagram.ts';

/** What is inside the seal (docs/protocol.md, "Frames"). */
export type Frame = Hello | Challenge | Echo | Accepted | Carriage;

/** Up: a process of the gateway asks to be challenged. */
export interface Hello {
  readonly kind: 'hello';
}

/** Down: only the process that now has the gateway's salt and key can repeat this nonce inside its seal. */
export interface Challenge {
  readonly kind: 'challenge';
  readonly nonce: Uint8Array;
  /** Of the datagram up that caused it, so that the gateway can tell it from an old one. */
  readonly counter: number;
}

/** Up: the nonce of a challenge. */
export interface Echo {
  readonly kind: 'echo';
  readonly nonce: Uint8Array;
  /** No message below this number will come any more. */
  readonly lowest: number;
}

/** Down: the nonce of the echo; from now on messages are taken. */
export interface Accepted {
  readonly kind: 'accepted';
  readonly nonce: Uint8Array;
  /** No message below this number will come any more. */
  readonly lowest: number;
}

/** Either way: receipts, a message, or both. */
export interface Carriage {
  readonly kind: 'carriage';
  readonly receipts?: Receipts;
  readonly message?: NumberedMessage;
}

/** Which messages have come. */
export interface Receipts {
  /** Up only: the first four bytes of the salt of the centre's process that sent those messages. */
  readonly tag?: Uint8Array;
  /** Every message up to this number has come, or will not come any more. */
  readonly upTo: number;
  /** A bit for each number from `upTo` + 1 on, the highest of the first byte first: it has come. */
  readonly bitmap: Uint8Array;
}

export interface NumberedMessage {
  readonly number: number;
  /** `number` less the lowest number that may still come. */
  readonly back: number;
  readonly bytes: Uint8Array;
}

/** How far the numbers of messages that are not taken yet may spread: `back` is below it, and so is a bitmap's last bit. */
export const NUMBERS_SPREAD_MAX = 1024;
export const NONCE_BYTES = 16;
/** What names a centre's process in receipts: the first bytes of its salt. */
const TAG_OF_SALT_BYTES = 4;

/** Of every frame of a handshake, so that no answer is larger than what it answers. */
export const HANDSHAKE_BYTES = 1 + NONCE_BYTES + 8;
const NUMBER_BYTES = 6;
const NUMBER_MAX = 2 ** 48 - 1;
const BACK_BYTES = 2;
const BITMAP_BYTES_MAX = NUMBERS_SPREAD_MAX / 8;
const MESSAGE_HEAD_BYTES = NUMBER_BYTES + BACK_BYTES;
const RECEIPTS_HEAD_BYTES = NUMBER_BYTES + 1;
/** Receipts with so short a bitmap always fit beside a message; with a longer one they may have to go alone. */
const BITMAP_BESIDE_BYTES = 2;

const KINDS = { hello: 1, challenge: 2, echo: 3, accepted: 4 } as const;
/** The kind of a carriage, with a bit for each thing that it has. */
const CARRIAGE = 4;
const HAS_MESSAGE = 1;
const HAS_RECEIPTS = 2;

/** Largest message that one datagram of this gateway's link can carry, in either direction, in bytes. */
export function messageBytesMax(gateway: string): number {
  const receiptsBytes = TAG_OF_SALT_BYTES + RECEIPTS_HEAD_BYTES + BITMAP_BESIDE_BYTES;
  return plainBytesMax(gateway) - 1 - receiptsBytes - MESSAGE_HEAD_BYTES;
}

/** How long a bitmap may be in a carriage that also has a message of this length, in bytes. */
export function bitmapBytesMax(gateway: string, messageBytes: number | undefined): number {
  if (messageBytes === undefined) return BITMAP_BYTES_MAX;
  const taken = 1 + TAG_OF_SALT_BYTES + RECEIPTS_HEAD_BYTES + MESSAGE_HEAD_BYTES + messageBytes;
  return Math.min(BITMAP_BYTES_MAX, plainBytesMax(gateway) - taken);
}

export function encodeFrame(frame: Frame): Uint8Array {
  if (frame.kind === 'carriage') return encodeCarriage(frame);
  const bytes = new Uint8Array(HANDSHAKE_BYTES);
  bytes[0] = KINDS[frame.kind];
  if (frame.kind === 'hello') return bytes;
  assert(frame.nonce.length === NONCE_BYTES, 'a whole nonce');
  bytes.set(frame.nonce, 1);
  const number = frame.kind === 'challenge' ? frame.counter : frame.lowest;
  new DataView(bytes.buffer).setBigUint64(1 + NONCE_BYTES, BigInt(number));
  return bytes;
}

/** Undefined where it is no frame of this direction. What is returned holds views into `bytes`. */
export function decodeFrame(bytes: Uint8Array, direction: Direction): Frame | undefined {
  const kind = bytes[0];
  if (kind === undefined) return undefined;
  if (kind > CARRIAGE) return decodeCarriage(bytes, direction);
  if (bytes.length !== HANDSHAKE_BYTES) return undefined;
  if (direction === 'up' && kind === KINDS.hello) return { kind: 'hello' };
  const nonce = bytes.subarray(1, 1 + NONCE_BYTES);
  const number = Number(viewOf(bytes).getBigUint64(1 + NONCE_BYTES));
  if (!Number.isSafeInteger(number)) return undefined;
  if (direction === 'down' && kind === KINDS.challenge) return { kind: 'challenge', nonce, counter: number };
  if (number > NUMBER_MAX) return undefined;
  if (direction === 'up' && kind === KINDS.echo) return { kind: 'echo', nonce, lowest: number };
  if (direction === 'down' && kind === KINDS.accepted) return { kind: 'accepted', nonce, lowest: number };
  return undefined;
}

/** What receipts up call this centre's process. */
export function tagOf(centreSalt: Uint8Array): Uint8Array {
  assert(centreSalt.length === SALT_BYTES, 'a whole salt');
  return centreSalt.slice(0, TAG_OF_SALT_BYTES);
}

function encodeCarriage({ receipts, message }: Carriage): Uint8Array {
  assert(receipts !== undefined || message !== undefined, 'something to carry');
  const { tag = new Uint8Array(0), bitmap = new Uint8Array(0), upTo = 0 } = receipts ?? {};
  const receiptsBytes = receipts === undefined ? 0 : tag.length + RECEIPTS_HEAD_BYTES + bitmap.length;
  const messageBytes = message === undefined ? 0 : MESSAGE_HEAD_BYTES + message.bytes.length;
  const bytes = Buffer.alloc(1 + receiptsBytes + messageBytes);
  bytes[0] = CARRIAGE | (receipts === undefined ? 0 : HAS_RECEIPTS) | (message === undefined ? 0 : HAS_MESSAGE);
  let at = 1;
  if (receipts !== undefined) {
    bytes.set(tag, at);
    at = bytes.writeUIntBE(upTo, at + tag.length, NUMBER_BYTES);
    at = bytes.writeUInt8(bitmap.length, at);
    bytes.set(bitmap, at);
    at += bitmap.length;
  }
  if (message !== undefined) {
    at = bytes.writeUIntBE(message.number, at, NUMBER_BYTES);
    at = bytes.writeUInt16BE(message.back, at);
    bytes.set(message.bytes, at);
  }
  return bytes;
}

function decodeCarriage(frame: Uint8Array, direction: Direction): Carriage | undefined {
  const bytes = Buffer.from(frame.buffer, frame.byteOffset, frame.length);
  const kind = bytes[0] as number;
  if (kind > (CARRIAGE | HAS_MESSAGE | HAS_RECEIPTS)) return undefined;
  let at = 1;
  let receipts: Receipts | undefined;
  if ((kind & HAS_RECEIPTS) !== 0) {
    const tagBytes = direction === 'up' ? TAG_OF_SALT_BYTES : 0;
    const bitmapAt = at + tagBytes + RECEIPTS_HEAD_BYTES;
    if (bytes.length < bitmapAt) return undefined;
    const upTo = bytes.readUIntBE(at + tagBytes, NUMBER_BYTES);
    const bitmapBytes = bytes[bitmapAt - 1] as number;
    if (bitmapBytes > BITMAP_BYTES_MAX || bytes.length < bitmapAt + bitmapBytes) return undefined;
    const named = tagBytes > 0 ? { tag: bytes.subarray(at, at + tagBytes) } : {};
    at = bitmapAt + bitmapBytes;
    receipts = { ...named, upTo, bitmap: bytes.subarray(bitmapAt, at) };
  }
  if ((kind & HAS_MESSAGE) === 0) return receipts === undefined || at !== bytes.length ? undefined : carriage(receipts);
  if (bytes.length < at + MESSAGE_HEAD_BYTES) return undefined;
  const number = bytes.readUIntBE(at, NUMBER_BYTES);
  const back = bytes.readUInt16BE(at + NUMBER_BYTES);
  if (number === 0 || back >= NUMBERS_SPREAD_MAX || back >= number || number === NUMBER_MAX) return undefined;
  return carriage(receipts, { number, back, bytes: bytes.subarray(at + MESSAGE_HEAD_BYTES) });
}

function carriage(receipts: Receipts | undefined, message?: NumberedMessage): Carriage {
  return {
    kind: 'carriage',
    ...(receipts === undefined ? {} : { receipts }),
    ...(message === undefined ? {} : { message }),
  };
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
