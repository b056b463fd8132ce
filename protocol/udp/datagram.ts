import assert from 'node:assert/strict';
import { SALT_BYTES } from '../ids.ts';
import { NAME_PATTERN } from '../record.ts';

/** Longest datagram, header and tag included: passes every path of today unfragmented (RFC 9000 section 14). */
export const DATAGRAM_BYTES_MAX = 1200;

/** Who sends: the gateway (up, to the centre) or the centre (down). In the order of their number on the wire. */
export const DIRECTIONS = ['up', 'down'] as const;
export type Direction = (typeof DIRECTIONS)[number];

/** The part of a datagram that is in clear. All of it is authenticated by the seal. */
export interface DatagramHeader {
  readonly direction: Direction;
  /** Whose link it is, in both directions. */
  readonly gateway: string;
  /** 16 random bytes of the sending process. */
  readonly salt: Uint8Array;
  /** Counts the sender's datagrams for this gateway, from 1. Never used twice under one salt. */
  readonly counter: number;
}

/** `MU` */
const MAGIC = 0x4d55;
const VERSION = 1;
const NAME_AT = 5;
const COUNTER_BYTES = 8;
/** Of the seal, Poly1305. */
export const TAG_BYTES = 16;
/** The header without the name. */
const FIXED_BYTES = NAME_AT + SALT_BYTES + COUNTER_BYTES;
const NAME_BYTES_MAX = 63;

/** Length of the header of this gateway's datagrams, in bytes. */
export function headerBytes(gateway: string): number {
  return FIXED_BYTES + gateway.length;
}

/** How much can be sealed into one of this gateway's datagrams, in bytes. */
export function plainBytesMax(gateway: string): number {
  return DATAGRAM_BYTES_MAX - headerBytes(gateway) - TAG_BYTES;
}

/** The header as bytes (docs/protocol.md, "Datagrams"). */
export function writeHeader({ direction, gateway, salt, counter }: DatagramHeader): Uint8Array {
  assert(NAME_PATTERN.test(gateway), 'the name of a gateway');
  assert(salt.length === SALT_BYTES, 'a whole salt');
  assert(Number.isSafeInteger(counter) && counter >= 1, 'a counter');
  const bytes = new Uint8Array(headerBytes(gateway));
  const view = new DataView(bytes.buffer);
  view.setUint16(0, MAGIC);
  bytes[2] = VERSION;
  bytes[3] = DIRECTIONS.indexOf(direction);
  bytes[4] = gateway.length;
  bytes.set(Buffer.from(gateway, 'latin1'), NAME_AT);
  bytes.set(salt, NAME_AT + gateway.length);
  view.setBigUint64(bytes.length - COUNTER_BYTES, BigInt(counter));
  return bytes;
}

/**
 * What a datagram says of itself, before anything of it is believed; undefined where it is none of this protocol.
 * The salt is a view into `bytes`.
 */
export function peekDatagram(bytes: Uint8Array): DatagramHeader | undefined {
  const { length } = bytes;
  if (length <= FIXED_BYTES + TAG_BYTES || length > DATAGRAM_BYTES_MAX) return undefined;
  const direction = DIRECTIONS[bytes[3] as number];
  const nameBytes = bytes[4] as number;
  if (bytes[0] !== MAGIC >>> 8 || bytes[1] !== (MAGIC & 0xff) || bytes[2] !== VERSION) return undefined;
  if (direction === undefined || nameBytes > NAME_BYTES_MAX || length <= FIXED_BYTES + nameBytes + TAG_BYTES) {
    return undefined;
  }
  const saltAt = NAME_AT + nameBytes;
  const gateway = Buffer.from(bytes.buffer, bytes.byteOffset + NAME_AT, nameBytes).toString('latin1');
  if (!NAME_PATTERN.test(gateway)) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset + saltAt + SALT_BYTES, COUNTER_BYTES);
  const counter = Number(view.getBigUint64(0));
  if (counter === 0 || !Number.isSafeInteger(counter)) return undefined;
  return { direction, gateway, salt: bytes.subarray(saltAt, saltAt + SALT_BYTES), counter };
}
