import { createHmac, timingSafeEqual } from 'node:crypto';

/** A message that was sealed with the right key. */
export interface Unsealed {
  /** The sender's name for itself. */
  readonly sender: string;
  /** Counts a sender's messages: each is larger than those before it, 1 to 2⁵³ − 1. */
  readonly sequence: number;
  /** What the seal was around. */
  readonly message: Uint8Array;
}

/** What a sender may be called. */
export const SENDER_PATTERN = /^[A-Za-z0-9._-]{1,63}$/;

const VERSION = 'm1';
/** `m1 SENDER SEQUENCE MAC MESSAGE`; the longest head has 2 + 63 + 16 + 64 characters and four blanks. */
const HEAD = /^(m1 ([A-Za-z0-9._-]{1,63}) ([1-9]\d{0,15}) )([0-9a-f]{64}) /;
const HEAD_BYTES_MAX = 149;

/**
 * A message with a head before it: `m1 SENDER SEQUENCE MAC `, where MAC is HMAC-SHA256 (RFC 2104, FIPS 180-4), in lower-case
 * hex, of all the rest: `m1 SENDER SEQUENCE ` and the message.
 */
export function sealed(key: Uint8Array, { sender, sequence, message }: Unsealed): Uint8Array {
  const said = `${VERSION} ${sender} ${sequence} `;
  return Buffer.concat([Buffer.from(`${said}${macOf(key, said, message).toString('hex')} `), message]);
}

/** Undefined for whatever was not sealed so with this key. The comparison takes the same time wherever the two differ. */
export function unsealed(key: Uint8Array, bytes: Uint8Array): Unsealed | undefined {
  const text = Buffer.from(bytes.subarray(0, HEAD_BYTES_MAX)).toString('latin1');
  const [head = '', said = '', sender = '', digits = '', mac = ''] = HEAD.exec(text) ?? [];
  const sequence = Number(digits);
  if (head === '' || !Number.isSafeInteger(sequence)) return undefined;
  const message = bytes.subarray(head.length);
  if (!timingSafeEqual(Buffer.from(mac, 'hex'), macOf(key, said, message))) return undefined;
  return { sender, sequence, message };
}

function macOf(key: Uint8Array, said: string, message: Uint8Array): Buffer {
  return createHmac('sha256', key).update(said).update(message).digest();
}
