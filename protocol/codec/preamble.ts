import type { BatchPreamble } from '../batch.ts';
import { ProtocolError } from '../errors.ts';
import { SALT_BYTES } from '../ids.ts';
import { crc32c } from './crc32c.ts';

/** `MB` */
const MAGIC = 0x4d42;
const LENGTH_AT = 3;
const SALT_AT = 6;
const BATCH_AT = SALT_AT + SALT_BYTES;
const TOKEN_AT = BATCH_AT + 4;
/** Length of the random token that every batch draws, in bytes. */
export const TOKEN_BYTES = 8;
const CRC_AT = TOKEN_AT + TOKEN_BYTES;
/** Of every version, for ever. */
export const PREAMBLE_BYTES = CRC_AT + 4;

/** What names a batch, and what its acknowledgement repeats. */
export interface BatchName {
  readonly salt: Uint8Array;
  readonly batch: number;
  readonly token: Uint8Array;
}

/** Throws `INVALID` where a salt, number or token has not the size that it has on the wire. */
export function requireBatchName({ salt, batch, token }: BatchName): void {
  if (salt.length !== SALT_BYTES || token.length !== TOKEN_BYTES) {
    throw new ProtocolError('INVALID', `a salt has ${SALT_BYTES} bytes and a token ${TOKEN_BYTES}`);
  }
  if (!(Number.isInteger(batch) && batch >= 0 && batch < 2 ** 32)) {
    throw new ProtocolError('INVALID', 'the number of a batch has 32 bits');
  }
}

/** Writes the preamble to the start of `bytes`, which are the whole batch. */
export function writePreamble(bytes: Uint8Array, { version, salt, batch, token }: BatchPreamble): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const bodyBytes = bytes.length - PREAMBLE_BYTES;
  view.setUint16(0, MAGIC);
  view.setUint8(2, version);
  view.setUint8(LENGTH_AT, bodyBytes >>> 16);
  view.setUint16(LENGTH_AT + 1, bodyBytes & 0xffff);
  bytes.set(salt, SALT_AT);
  view.setUint32(BATCH_AT, batch);
  bytes.set(token, TOKEN_AT);
  view.setUint32(CRC_AT, crc32c(bytes.subarray(0, CRC_AT)));
}

/** Reads a preamble, and how many bytes of body it announces. Throws `NOT_A_BATCH`. */
export function readPreamble(bytes: Uint8Array): { preamble: BatchPreamble; bodyBytes: number } {
  if (bytes.length < PREAMBLE_BYTES) throw new ProtocolError('NOT_A_BATCH', 'shorter than a preamble');
  const view = new DataView(bytes.buffer, bytes.byteOffset, PREAMBLE_BYTES);
  if (view.getUint16(0) !== MAGIC) throw new ProtocolError('NOT_A_BATCH', 'it begins with something else');
  if (view.getUint32(CRC_AT) !== crc32c(bytes.subarray(0, CRC_AT))) {
    throw new ProtocolError('NOT_A_BATCH', 'the preamble is damaged');
  }
  const version = view.getUint8(2);
  if (version === 0) throw new ProtocolError('NOT_A_BATCH', 'versions count from 1');
  return {
    preamble: {
      version,
      salt: copyOf(bytes, SALT_AT, BATCH_AT),
      batch: view.getUint32(BATCH_AT),
      token: copyOf(bytes, TOKEN_AT, CRC_AT),
    },
    bodyBytes: view.getUint8(LENGTH_AT) * 0x10000 + view.getUint16(LENGTH_AT + 1),
  };
}

/** Bytes of their own: the `slice` of a Buffer would hold on to all of what was received. */
export function copyOf(bytes: Uint8Array, from: number, to: number): Uint8Array {
  return new Uint8Array(bytes.subarray(from, to));
}
