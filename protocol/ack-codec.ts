import type { Ack } from './ack.ts';
import { ProtocolError } from './errors.ts';

/** Throws `BOUNDS` or `INVALID`. */
export function encodeAck(_ack: Ack): Uint8Array {
  throw new ProtocolError('INVALID', 'not built yet');
}

/** Throws `NOT_AN_ACK` and nothing else. */
export function decodeAck(_bytes: Uint8Array): Ack {
  throw new ProtocolError('NOT_AN_ACK', 'not built yet');
}
