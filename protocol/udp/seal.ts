import assert from 'node:assert/strict';
import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import { SALT_BYTES } from '../ids.ts';
import { type DatagramHeader, DIRECTIONS, type Direction, headerBytes, TAG_BYTES, writeHeader } from './datagram.ts';

/** Chance as this protocol needs it; `Random` of either program is one. */
export interface RandomBytes {
  bytes(length: number): Uint8Array;
}

const CIPHER = 'chacha20-poly1305';
/** Length of the key that a gateway and the centre share, and of those that follow from it, in bytes. */
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const COUNTER_AT = 4;

/**
 * The key that one process seals its datagrams of one gateway with: HKDF-SHA-256 (RFC 5869) of the shared key, with the
 * process's salt, and `mooring1` ‖ direction (a byte) ‖ gateway as info. As Node's key object: with plain bytes each seal
 * would cost five times as much.
 */
export function sealKey(
  sharedKey: Uint8Array,
  { direction, gateway, salt }: Omit<DatagramHeader, 'counter'>,
): KeyObject {
  assert(sharedKey.length === KEY_BYTES && salt.length === SALT_BYTES, 'a whole key and a whole salt');
  const info = Buffer.concat([Buffer.from('mooring1'), Buffer.from([numberOf(direction)]), Buffer.from(gateway)]);
  return createSecretKey(Buffer.from(hkdfSync('sha256', sharedKey, salt, info, KEY_BYTES)));
}

/**
 * A whole datagram: header, sealed frame, tag. ChaCha20-Poly1305 (RFC 8439) under a nonce of four zero bytes and the
 * counter. What is authenticated beside the frame: the header, and after it `forSalt`, which is not sent: the salt of the
 * gateway's process that a datagram down is for, so that no other process of that gateway can take it.
 */
export function seal(key: KeyObject, header: DatagramHeader, plain: Uint8Array, forSalt?: Uint8Array): Uint8Array {
  assert((header.direction === 'down') === (forSalt !== undefined), 'down is for one process, up is for any');
  const head = writeHeader(header);
  const cipher = createCipheriv(CIPHER, key, nonceOf(header.counter), { authTagLength: TAG_BYTES });
  cipher.setAAD(authenticated(head, forSalt), { plaintextLength: plain.length });
  const sealed = cipher.update(plain);
  cipher.final();
  return Buffer.concat([head, sealed, cipher.getAuthTag()]);
}

/** The frame inside a datagram whose header is `header`; undefined where it is not authentic. */
export function unseal(
  key: KeyObject,
  header: DatagramHeader,
  datagram: Uint8Array,
  forSalt?: Uint8Array,
): Uint8Array | undefined {
  const from = headerBytes(header.gateway);
  const to = datagram.length - TAG_BYTES;
  const decipher = createDecipheriv(CIPHER, key, nonceOf(header.counter), { authTagLength: TAG_BYTES });
  decipher.setAAD(authenticated(datagram.subarray(0, from), forSalt), { plaintextLength: to - from });
  decipher.setAuthTag(datagram.subarray(to));
  const plain = decipher.update(datagram.subarray(from, to));
  try {
    decipher.final();
  } catch {
    // The only thing that it can throw: the tag does not fit.
    return undefined;
  }
  return plain;
}

function numberOf(direction: Direction): number {
  return DIRECTIONS.indexOf(direction);
}

function authenticated(head: Uint8Array, forSalt: Uint8Array | undefined): Uint8Array {
  return forSalt === undefined ? head : Buffer.concat([head, forSalt]);
}

function nonceOf(counter: number): Uint8Array {
  const nonce = new Uint8Array(NONCE_BYTES);
  new DataView(nonce.buffer).setBigUint64(COUNTER_AT, BigInt(counter));
  return nonce;
}
