import type { RandomBytes } from './seal.ts';

export interface CentreSessionsOptions<Address> {
  /** The 32 bytes that are shared with this gateway now; undefined where it is unknown. Asked for every datagram. */
  readonly keyOf: (gateway: string) => Uint8Array | undefined;
  readonly random: RandomBytes;
  /** Sends one datagram, without waiting and without throwing. It may get lost. */
  readonly transmit: (datagram: Uint8Array, address: Address) => void;
  /**
   * A message of a gateway, once in the life of this object, in no order. `reply` may be called at any later time and any
   * number of times; it is true where the reply was taken, and false where the gateway has gone or too many wait: then
   * the gateway asks again. Called inside `receive`.
   */
  readonly deliver: (gateway: string, message: Uint8Array, reply: Reply) => void;
  /** Sessions in all; beyond it the one that was silent for the longest is dropped. Default 4096. */
  readonly sessionsMax?: number;
}

export type Reply = (message: Uint8Array, nowMs: number) => boolean;

/** What has passed, counted since the object was made. What is refused is not answered. */
export interface CentreSessionsCounters {
  readonly received: number;
  readonly sent: number;
  readonly retransmitted: number;
  readonly delivered: number;
  readonly duplicates: number;
  /** Datagrams that are none of this protocol. */
  readonly garbage: number;
  /** Of a centre, sent back to it. */
  readonly reflected: number;
  readonly unknownGateway: number;
  /** Could not be unsealed: forged, or damaged. */
  readonly forged: number;
  /** Seen before, or too old to tell. */
  readonly replayed: number;
  /** Challenges that were sent. */
  readonly challenged: number;
  /** Authentic datagrams without a session that got no challenge: too small, or too many of them. */
  readonly unchallenged: number;
  /** Sessions that began. */
  readonly opened: number;
  /** Sessions that were dropped: silent for long, or too many. */
  readonly dropped: number;
  /** Replies that were not taken, or given up. */
  readonly repliesLost: number;
}

/**
 * The centre's end of the UDP link for all gateways (docs/protocol.md, "Datagrams"): no socket and no clock of its own.
 * `nowMs` is monotonic. After any call, `reply` included, look at `nextDueMs()` and call `tick` then.
 */
export declare class CentreSessions<Address> {
  constructor(options: CentreSessionsOptions<Address>);
  /** Takes whatever the socket got. Throws nothing on hostile bytes. */
  receive(datagram: Uint8Array, address: Address, nowMs: number): void;
  /** Sends whatever is due. */
  tick(nowMs: number): void;
  /** When `tick` has something to do, monotonic milliseconds; infinite where nothing is due. */
  nextDueMs(): number;
  /** Sessions that are open. */
  get size(): number;
  /** When an authentic datagram of this gateway last came; undefined where it has no session. */
  lastHeardMs(gateway: string): number | undefined;
  get counters(): CentreSessionsCounters;
}
