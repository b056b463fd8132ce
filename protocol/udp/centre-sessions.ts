import type { KeyObject } from 'node:crypto';
import { SALT_BYTES } from '../ids.ts';
import { CentreSession } from './centre-session.ts';
import { type DatagramHeader, headerBytes, peekDatagram, TAG_BYTES } from './datagram.ts';
import { decodeFrame, type Echo, encodeFrame, type Frame, HANDSHAKE_BYTES, messageBytesMax, tagOf } from './frames.ts';
import { type GatewayLink, GatewayLinks } from './gateway-links.ts';
import { type RandomBytes, seal, sealKey, unseal } from './seal.ts';

export interface CentreSessionsOptions<Address> {
  /** The 32 bytes that are shared with this gateway now; undefined where it is unknown. Asked for every datagram. */
  readonly keyOf: (gateway: string) => Uint8Array | undefined;
  readonly random: RandomBytes;
  /** Sends one datagram, without waiting and without throwing. It may get lost. */
  readonly transmit: (datagram: Uint8Array, address: Address) => void;
  /**
   * A message of a gateway, once in the life of its session, in no order. `reply` may be called at any later time and any
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
  /** Sessions that were dropped: there were too many, or the key was changed. */
  readonly dropped: number;
  /** Replies that were not taken, or given up. */
  readonly repliesLost: number;
}

const SESSIONS_MAX = 4096;
/** Processes of one gateway: the one that runs, and ones that it has replaced. */
const SESSIONS_PER_GATEWAY_MAX = 4;

/**
 * The centre's end of the UDP link for all gateways (docs/protocol.md, "Datagrams"): no socket and no clock of its own.
 * `nowMs` is monotonic. After any call, `reply` included, look at `nextDueMs()` and call `tick` then.
 */
export class CentreSessions<Address> {
  readonly #options: CentreSessionsOptions<Address>;
  readonly #sessionsMax: number;
  readonly #salt: Uint8Array;
  readonly #tag: Uint8Array;
  readonly #links: GatewayLinks<Address>;
  /** Every session, the one that was silent for the longest first. */
  readonly #sessions = new Set<CentreSession<Address>>();
  /** Those that have something to send or to wait for. */
  readonly #busy = new Set<CentreSession<Address>>();
  /** No later than the first of those is due. */
  #dueMs = Number.POSITIVE_INFINITY;
  readonly #counts = {
    received: 0,
    sent: 0,
    delivered: 0,
    duplicates: 0,
    garbage: 0,
    reflected: 0,
    unknownGateway: 0,
    forged: 0,
    replayed: 0,
    challenged: 0,
    unchallenged: 0,
    opened: 0,
    dropped: 0,
    repliesRefused: 0,
    /** Of sessions that are dropped. */
    retransmitted: 0,
    givenUp: 0,
  };

  constructor(options: CentreSessionsOptions<Address>) {
    this.#options = options;
    this.#sessionsMax = options.sessionsMax ?? SESSIONS_MAX;
    this.#salt = options.random.bytes(SALT_BYTES);
    this.#tag = tagOf(this.#salt);
    this.#links = new GatewayLinks({ salt: this.#salt, random: options.random, linksMax: 4 * this.#sessionsMax });
  }

  /** Sessions that are open. */
  get size(): number {
    return this.#sessions.size;
  }

  /** When an authentic datagram of this gateway last came; undefined where it has no session. */
  lastHeardMs(gateway: string): number | undefined {
    const heardMs = [...(this.#links.find(gateway)?.sessions.values() ?? [])].map(({ lastHeardMs }) => lastHeardMs);
    return heardMs.length === 0 ? undefined : Math.max(...heardMs);
  }

  get counters(): CentreSessionsCounters {
    const { repliesRefused, givenUp, ...counts } = this.#counts;
    let repliesLost = repliesRefused + givenUp;
    for (const { sender } of this.#sessions) {
      counts.retransmitted += sender.retransmitted;
      repliesLost += sender.givenUp;
    }
    return { ...counts, repliesLost };
  }

  /**
   * Takes whatever the socket got. Throws nothing on hostile bytes. Returns what may be wrong with a key here, where that is
   * why it was refused.
   */
  receive(datagram: Uint8Array, address: Address, nowMs: number): 'unknownGateway' | 'forged' | undefined {
    const header = peekDatagram(datagram);
    if (header === undefined) {
      this.#counts.garbage += 1;
      return undefined;
    }
    if (header.direction === 'down') {
      this.#counts.reflected += 1;
      return undefined;
    }
    const sharedKey = this.#options.keyOf(header.gateway);
    const link = this.#links.find(header.gateway);
    // What an old key has opened ends with it.
    if (link !== undefined && !link.isOf(sharedKey)) this.#forget(link);
    if (sharedKey !== undefined) return this.#open(header, { datagram, sharedKey, address }, nowMs);
    this.#counts.unknownGateway += 1;
    return 'unknownGateway';
  }

  /** Sends whatever is due. */
  tick(nowMs: number): void {
    if (this.#dueMs > nowMs) return;
    this.#dueMs = Number.POSITIVE_INFINITY;
    for (const session of this.#busy) {
      const dueMs = session.nextDueMs();
      if (dueMs <= nowMs) this.#flush(session, nowMs);
      else this.#dueMs = Math.min(this.#dueMs, dueMs);
    }
  }

  /** When `tick` has something to do, monotonic milliseconds; infinite where nothing is due. */
  nextDueMs(): number {
    return this.#dueMs;
  }

  #open(header: DatagramHeader, arrived: Arrived<Address>, nowMs: number): 'forged' | undefined {
    const { datagram, sharedKey, address } = arrived;
    const name = nameOf(header.salt);
    const session = this.#links.find(header.gateway)?.sessions.get(name);
    if (session !== undefined && !session.window.isNew(header.counter)) {
      this.#counts.replayed += 1;
      return undefined;
    }
    const key = session?.key ?? sealKey(sharedKey, header);
    const plain = unseal(key, header, datagram);
    if (plain === undefined) {
      this.#counts.forged += 1;
      return 'forged';
    }
    session?.heard(header, address, nowMs);
    const frame = decodeFrame(plain, 'up');
    const from = {
      link: this.#links.open(header.gateway, sharedKey),
      name,
      key,
      header,
      address,
      size: datagram.length,
    };
    if (frame === undefined) this.#counts.garbage += 1;
    else if (frame.kind === 'echo') this.#echoed(from, session, frame, nowMs);
    else if (session === undefined || frame.kind === 'hello') this.#challenge(from, nowMs);
    else this.#take(session, frame, nowMs);
    return undefined;
  }

  #take(session: CentreSession<Address>, frame: Frame, nowMs: number): void {
    this.#counts.received += 1;
    this.#touch(session);
    if (frame.kind !== 'carriage') return;
    const arrival = session.take(frame, this.#tag, nowMs);
    if (arrival === 'duplicate') this.#counts.duplicates += 1;
    else if (arrival === 'outside') this.#counts.garbage += 1;
    else if (arrival === 'new' && frame.message !== undefined) {
      this.#counts.delivered += 1;
      const { gateway, name } = session;
      this.#options.deliver(gateway, frame.message.bytes, (message, atMs) => this.#reply(gateway, name, message, atMs));
    }
    this.#flush(session, nowMs);
  }

  /** Whoever sends this has the key, now or in the past: the answer is no larger than the question, and tells them apart. */
  #challenge({ link, name, header, address, size }: From<Address>, nowMs: number): void {
    const answerBytes = headerBytes(header.gateway) + HANDSHAKE_BYTES + TAG_BYTES;
    const nonce = size < answerBytes ? undefined : link.challenges.issue(name, nowMs);
    if (nonce === undefined) {
      this.#counts.unchallenged += 1;
      return;
    }
    this.#counts.challenged += 1;
    this.#transmit(link, { kind: 'challenge', nonce, counter: header.counter }, header.salt, address);
  }

  #echoed(from: From<Address>, known: CentreSession<Address> | undefined, echo: Echo, nowMs: number): void {
    const { link, name, key, header, address } = from;
    let session = known;
    if (link.challenges.redeem(name, echo.nonce, nowMs)) {
      const salt = header.salt.slice();
      const nonce = echo.nonce.slice();
      // No number that an earlier session has used is above the counter, so these are new to the gateway.
      const firstNumber = link.counter + 1;
      const fresh = {
        gateway: link.gateway,
        name,
        salt,
        key,
        counter: header.counter,
        nonce,
        address,
        firstNumber,
        nowMs,
      };
      session ??= this.#admit(link, new CentreSession(fresh));
      session.nonce = nonce;
    } else if (session === undefined) {
      this.#challenge(from, nowMs);
      return;
    } else if (Buffer.compare(session.nonce, echo.nonce) !== 0) return;
    this.#counts.received += 1;
    this.#touch(session);
    session.receiver.skipTo(echo.lowest);
    this.#transmit(
      link,
      { kind: 'accepted', nonce: session.nonce, lowest: session.sender.lowest },
      session.salt,
      address,
    );
    this.#flush(session, nowMs);
  }

  #admit(link: GatewayLink<Address>, session: CentreSession<Address>): CentreSession<Address> {
    this.#counts.opened += 1;
    link.sessions.set(session.name, session);
    this.#sessions.add(session);
    for (const oldest of link.sessions.values()) {
      if (link.sessions.size <= SESSIONS_PER_GATEWAY_MAX) break;
      this.#drop(oldest);
    }
    for (const oldest of this.#sessions) {
      if (this.#sessions.size <= this.#sessionsMax) break;
      this.#drop(oldest);
    }
    return session;
  }

  /** It was heard last. */
  #touch(session: CentreSession<Address>): void {
    this.#sessions.delete(session);
    this.#sessions.add(session);
    const sessions = this.#links.find(session.gateway)?.sessions;
    sessions?.delete(session.name);
    sessions?.set(session.name, session);
  }

  #drop(session: CentreSession<Address>): void {
    this.#counts.dropped += 1;
    this.#counts.retransmitted += session.sender.retransmitted;
    this.#counts.givenUp += session.sender.givenUp + session.sender.pending;
    this.#sessions.delete(session);
    this.#busy.delete(session);
    const link = this.#links.find(session.gateway);
    link?.skipTo(session.sender.nextNumber);
    link?.sessions.delete(session.name);
  }

  #forget(link: GatewayLink<Address>): void {
    for (const session of link.sessions.values()) this.#drop(session);
    this.#links.forget(link);
  }

  /** To whatever session that process of the gateway has by then. */
  #reply(gateway: string, name: string, message: Uint8Array, nowMs: number): boolean {
    const session = this.#links.find(gateway)?.sessions.get(name);
    if (session === undefined || !session.sender.canSend || message.length > messageBytesMax(gateway)) {
      this.#counts.repliesRefused += 1;
      return false;
    }
    session.sender.add(message, nowMs);
    this.#flush(session, nowMs);
    return true;
  }

  #flush(session: CentreSession<Address>, nowMs: number): void {
    const link = this.#links.find(session.gateway);
    if (link === undefined || !this.#sessions.has(session)) return;
    for (let frame = session.next(nowMs); frame !== undefined; frame = session.next(nowMs)) {
      this.#transmit(link, frame, session.salt, session.address);
    }
    const dueMs = session.nextDueMs();
    if (dueMs === Number.POSITIVE_INFINITY) this.#busy.delete(session);
    else this.#busy.add(session);
    this.#dueMs = Math.min(this.#dueMs, dueMs);
  }

  #transmit(link: GatewayLink<Address>, frame: Frame, forSalt: Uint8Array, address: Address): void {
    this.#counts.sent += 1;
    const header = { direction: 'down', gateway: link.gateway, salt: this.#salt, counter: link.nextCounter() } as const;
    this.#options.transmit(seal(link.key, header, encodeFrame(frame), forSalt), address);
  }
}

interface Arrived<Address> {
  readonly datagram: Uint8Array;
  readonly sharedKey: Uint8Array;
  readonly address: Address;
}

/** An authentic datagram. */
interface From<Address> {
  readonly link: GatewayLink<Address>;
  readonly name: string;
  readonly key: KeyObject;
  readonly header: DatagramHeader;
  readonly address: Address;
  /** In bytes. */
  readonly size: number;
}

function nameOf(salt: Uint8Array): string {
  return Buffer.from(salt.buffer, salt.byteOffset, salt.length).toString('hex');
}
