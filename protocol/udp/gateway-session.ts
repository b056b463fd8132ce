/** Chance as a session needs it; `Random` of either program is one. */
export interface RandomBytes {
  bytes(length: number): Uint8Array;
}

export interface GatewaySessionOptions {
  readonly gateway: string;
  /** 32 bytes that the gateway and the centre share. */
  readonly sharedKey: Uint8Array;
  readonly random: RandomBytes;
  /** Sends one datagram, without waiting and without throwing. It may get lost. */
  readonly transmit: (datagram: Uint8Array) => void;
  /** A message of the centre: once, in no order. It may be kept. Called inside `receive`. */
  readonly deliver: (message: Uint8Array) => void;
  /** The centre has answered and proved to be alive: once after each `open`. Called inside `receive`. */
  readonly onUp: () => void;
  /** The centre's process has this message. Called inside `receive`, once a number. */
  readonly onTaken: (messageNumber: number) => void;
}

/** What has passed, counted since the session was made. */
export interface GatewaySessionCounters {
  /** Datagrams that were handed to `transmit`. */
  readonly sent: number;
  /** Messages that were sent again. */
  readonly retransmitted: number;
  /** Datagrams that were taken: authentic, fresh, and new. */
  readonly received: number;
  /** Datagrams that are none of this protocol. */
  readonly garbage: number;
  /** For another gateway. */
  readonly foreign: number;
  /** Of a gateway, sent back to it. */
  readonly reflected: number;
  /** Could not be unsealed: forged, damaged, or for an earlier process of this gateway. */
  readonly forged: number;
  /** Seen before, or too old to tell. */
  readonly replayed: number;
  /** Authentic, but of a centre's process that this session has no fresh challenge of. */
  readonly stale: number;
  /** Messages of the centre that came once more, as they do where a receipt was lost. */
  readonly duplicates: number;
  /** Challenges that were echoed: one is usual, each further one is a centre that has lost the session, or another copy. */
  readonly challenges: number;
}

/**
 * The gateway's end of the UDP link (docs/protocol.md, "Datagrams"): no socket and no clock of its own. `nowMs` is
 * monotonic. After any call, look at `nextDueMs()` and call `tick` then.
 */
export declare class GatewaySession {
  constructor(options: GatewaySessionOptions);
  /** Largest message that `send` takes, in bytes. */
  readonly messageBytesMax: number;
  /** Says hello until the centre has answered. May be called again: it starts over, and keeps what is not taken yet. */
  open(nowMs: number): void;
  /** Takes whatever the socket got. Throws nothing on hostile bytes. */
  receive(datagram: Uint8Array, nowMs: number): void;
  /** Takes a message to deliver once to each life of the centre. Only while `canSend`. Returns its number. */
  send(message: Uint8Array, nowMs: number): number;
  /** Stops sending a message again; it may have arrived all the same. Does nothing to one that was taken. */
  forget(messageNumber: number): void;
  /** Sends whatever is due. */
  tick(nowMs: number): void;
  /** When `tick` has something to do, monotonic milliseconds; infinite where nothing is due. */
  nextDueMs(): number;
  get isUp(): boolean;
  /** Up, and not too many messages wait to be taken. */
  get canSend(): boolean;
  /** Messages that were sent and not taken yet. */
  get pending(): number;
  /** When the last authentic datagram came; undefined before the first. */
  get lastHeardMs(): number | undefined;
  /** Smoothed round trip; undefined before the first measurement. */
  get roundTripMs(): number | undefined;
  get counters(): GatewaySessionCounters;
}
