/** Why bytes or a value are not of this protocol. */
export type ProtocolErrorCode =
  /** The preamble itself is damaged or foreign: nobody can be answered. */
  | 'NOT_A_BATCH'
  /** The preamble is whole, the body is not. */
  | 'UNREADABLE'
  /** Whole, but of a newer version than this end speaks. */
  | 'VERSION'
  /** Beyond a bound of `BOUNDS`. */
  | 'BOUNDS'
  /** A value that no record may hold: a bad name, a NaN, a time outside 1970–9999. */
  | 'INVALID'
  /** Not an acknowledgement, or a damaged one. */
  | 'NOT_AN_ACK';

/** The only error that decoding or encoding throws. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
  readonly code: ProtocolErrorCode;

  constructor(code: ProtocolErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
