import assert from 'node:assert/strict';
import type { KeyObject } from 'node:crypto';
import { SALT_BYTES } from '../ids.ts';
import { type CentreProcess, CentreProcesses } from './centre-processes.ts';
import { type DatagramHeader, peekDatagram } from './datagram.ts';
import {
  type Accepted,
  type Carriage,
  type Challenge,
  decodeFrame,
  encodeFrame,
  type Frame,
  messageBytesMax,
} from './frames.ts';
import { MessageSender } from './message-sender.ts';
import { nextCarriage } from './next-carriage.ts';
import { type RandomBytes, seal, sealKey, unseal } from './seal.ts';

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
  /** Authentic, but of a centre's process that this session has no fresh challenge of, or an old challenge. */
  readonly stale: number;
  /** Messages of the centre that came once more, as they do where a receipt was lost. */
  readonly duplicates: number;
  /** Challenges that were echoed: one is usual, each further one is a centre that has lost the session, or another copy. */
  readonly challenges: number;
}

/** Between two hellos without an answer, in milliseconds; doubled each time. */
const HELLO_MS = { first: 250, max: 4000 } as const;
/** An echo is sent again so often before the challenge is taken to be void. */
const ECHOES_MAX = 6;
/** An echo waits no longer for its answer, unless trips are longer: where a third gets lost, a handshake must not take minutes. */
const ECHO_WAIT_MS_MAX = 2000;

/**
 * The gateway's end of the UDP link (docs/protocol.md, "Datagrams"): no socket and no clock of its own. `nowMs` is
 * monotonic. After any call, look at `nextDueMs()` and call `tick` then.
 */
export class GatewaySession {
  /** Largest message that `send` takes, in bytes. */
  readonly messageBytesMax: number;
  readonly #options: GatewaySessionOptions;
  readonly #salt: Uint8Array;
  readonly #key: KeyObject;
  readonly #centres: CentreProcesses;
  readonly #sender = new MessageSender({ firstNumber: 1 });
  readonly #counts = {
    sent: 0,
    received: 0,
    garbage: 0,
    foreign: 0,
    reflected: 0,
    forged: 0,
    replayed: 0,
    stale: 0,
    duplicates: 0,
    challenges: 0,
  };
  #counter = 0;
  /** The newest of our counters that a challenge was taken for: one for an older datagram is old itself. */
  #challengedFor = 0;
  #isUp = false;
  /** What says hello; undefined while nothing is opened, or the centre has answered. */
  #hello: { counter: number; sentMs: number; dueMs: number; waitMs: number } | undefined;
  /** What repeats a challenge until it is accepted. */
  #echo: PendingEcho | undefined;
  /** The centre's process that has accepted us last. */
  #current: CentreProcess | undefined;
  #lastHeardMs: number | undefined;

  constructor(options: GatewaySessionOptions) {
    const { gateway, sharedKey, random } = options;
    this.#options = options;
    this.messageBytesMax = messageBytesMax(gateway);
    this.#salt = random.bytes(SALT_BYTES);
    this.#key = sealKey(sharedKey, { direction: 'up', gateway, salt: this.#salt });
    this.#centres = new CentreProcesses(gateway, sharedKey);
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  /** Up, and not too many messages wait to be taken. */
  get canSend(): boolean {
    return this.#isUp && this.#sender.canSend;
  }

  /** Messages that may be under way at once, as the way is now. */
  get window(): number {
    return this.#sender.window;
  }

  /** Messages that were sent and not taken yet. */
  get pending(): number {
    return this.#sender.pending;
  }

  /** When the last authentic datagram came; undefined before the first. */
  get lastHeardMs(): number | undefined {
    return this.#lastHeardMs;
  }

  /** Smoothed round trip; undefined before the first measurement. */
  get roundTripMs(): number | undefined {
    return this.#sender.roundTripMs;
  }

  get counters(): GatewaySessionCounters {
    return { ...this.#counts, retransmitted: this.#sender.retransmitted };
  }

  /** Says hello until the centre has answered. May be called again: it starts over, and keeps what is not taken yet. */
  open(nowMs: number): void {
    this.#isUp = false;
    this.#echo = undefined;
    this.#hello = { counter: 0, sentMs: nowMs, dueMs: nowMs, waitMs: HELLO_MS.first };
    this.tick(nowMs);
  }

  /**
   * Takes a message to deliver once to each life of the centre. Only while `canSend`. Returns its number. One of less than 16
   * bytes is too short to be challenged: after a restart of the centre it waits for a longer one, or for `open`. An urgent
   * one goes before all others that wait.
   */
  send(message: Uint8Array, nowMs: number, { isUrgent = false } = {}): number {
    assert(this.canSend, 'only while there is room');
    assert(message.length <= this.messageBytesMax, 'a message that fits into a datagram');
    const number = this.#sender.add(message, nowMs, { isUrgent });
    this.#flush(nowMs);
    return number;
  }

  /** Stops sending a message again; it may have arrived all the same. Does nothing to one that was taken. */
  forget(messageNumber: number): void {
    this.#sender.forget(messageNumber);
  }

  /** Takes whatever the socket got. Throws nothing on hostile bytes. */
  receive(datagram: Uint8Array, nowMs: number): void {
    const header = peekDatagram(datagram);
    if (header === undefined) this.#counts.garbage += 1;
    else if (header.direction === 'up') this.#counts.reflected += 1;
    else if (header.gateway !== this.#options.gateway) this.#counts.foreign += 1;
    else this.#open(header, datagram, nowMs);
  }

  /** Sends whatever is due. */
  tick(nowMs: number): void {
    if (this.#echo !== undefined && this.#echo.dueMs <= nowMs) this.#echoAgain(this.#echo, nowMs);
    if (this.#hello !== undefined && this.#echo === undefined && this.#hello.dueMs <= nowMs) {
      this.#transmit({ kind: 'hello' });
      const { waitMs } = this.#hello;
      const counter = this.#counter;
      this.#hello = { counter, sentMs: nowMs, dueMs: nowMs + waitMs, waitMs: Math.min(HELLO_MS.max, 2 * waitMs) };
    }
    this.#flush(nowMs);
  }

  /** When `tick` has something to do, monotonic milliseconds; infinite where nothing is due. */
  nextDueMs(): number {
    let dueMs = this.#echo?.dueMs ?? this.#hello?.dueMs ?? Number.POSITIVE_INFINITY;
    for (const { receiver } of this.#centres) dueMs = Math.min(dueMs, receiver.receiptDueMs);
    return this.#maySend ? Math.min(dueMs, this.#sender.nextDueMs()) : dueMs;
  }

  #open(header: DatagramHeader, datagram: Uint8Array, nowMs: number): void {
    const known = this.#centres.find(header.salt);
    if (known !== undefined && !known.window.isNew(header.counter)) {
      this.#counts.replayed += 1;
      return;
    }
    const key = known?.key ?? this.#centres.keyOf(header.salt);
    const plain = unseal(key, header, datagram, this.#salt);
    if (plain === undefined) {
      this.#counts.forged += 1;
      return;
    }
    known?.window.see(header.counter);
    const frame = decodeFrame(plain, 'down');
    if (frame === undefined) this.#counts.garbage += 1;
    else if (frame.kind === 'challenge') this.#challenged(header, frame, nowMs);
    else if (known === undefined) this.#counts.stale += 1;
    else this.#take(known, frame, nowMs);
  }

  #take(centre: CentreProcess, frame: Frame, nowMs: number): void {
    this.#counts.received += 1;
    this.#lastHeardMs = nowMs;
    if (frame.kind === 'accepted') this.#accepted(centre, frame, nowMs);
    else if (frame.kind === 'carriage') this.#carried(centre, frame, nowMs);
    this.#flush(nowMs);
  }

  /**
   * Taken only where it answers a newer datagram of ours than every one before: so a recording of it is worth nothing, and
   * nothing that this process of the centre has sent before it.
   */
  #challenged(header: DatagramHeader, { nonce, counter }: Challenge, nowMs: number): void {
    if (counter <= this.#challengedFor || counter > this.#counter) {
      this.#counts.stale += 1;
      return;
    }
    this.#challengedFor = counter;
    this.#counts.received += 1;
    this.#counts.challenges += 1;
    this.#lastHeardMs = nowMs;
    if (counter === this.#hello?.counter) this.#sender.learnTrip(nowMs - this.#hello.sentMs);
    const centre = this.#centres.learn(header.salt, header.counter);
    this.#echoAgain({ centre, nonce: nonce.slice(), times: 0, sentMs: nowMs, dueMs: nowMs }, nowMs);
  }

  #echoAgain(echo: PendingEcho, nowMs: number): void {
    if (echo.times === ECHOES_MAX) {
      // The centre has forgotten it: what is sent next is challenged anew.
      this.#echo = undefined;
      return;
    }
    const { timeoutMs } = this.#sender;
    const waitMs = Math.max(timeoutMs, Math.min(ECHO_WAIT_MS_MAX, timeoutMs * 2 ** echo.times));
    this.#echo = { ...echo, times: echo.times + 1, sentMs: nowMs, dueMs: nowMs + waitMs };
    this.#transmit({ kind: 'echo', nonce: echo.nonce, lowest: this.#sender.lowest });
  }

  #accepted(centre: CentreProcess, { nonce, lowest }: Accepted, nowMs: number): void {
    const echo = this.#echo;
    if (echo === undefined || echo.centre !== centre || Buffer.compare(echo.nonce, nonce) !== 0) return;
    if (echo.times === 1) this.#sender.learnTrip(nowMs - echo.sentMs);
    this.#echo = undefined;
    this.#hello = undefined;
    this.#current = centre;
    // A challenge of something older, a repeated hello as a rule, only comes late: this process knows us now.
    this.#challengedFor = this.#counter;
    centre.receiver.skipTo(lowest);
    this.#sender.restart(nowMs);
    if (this.#isUp) return;
    this.#isUp = true;
    this.#options.onUp();
  }

  #carried(centre: CentreProcess, { receipts, message }: Carriage, nowMs: number): void {
    if (receipts !== undefined) {
      for (const number of this.#sender.receive(receipts, nowMs)) this.#options.onTaken(number);
    }
    if (message === undefined) return;
    const arrival = centre.receiver.take(message, nowMs);
    if (arrival === 'new') this.#options.deliver(message.bytes);
    else if (arrival === 'duplicate') this.#counts.duplicates += 1;
    else this.#counts.garbage += 1;
  }

  /** Messages rest while a first echo is under way: a centre that has just challenged would not take them. */
  get #maySend(): boolean {
    return this.#isUp && (this.#echo === undefined || this.#echo.times > 1);
  }

  #flush(nowMs: number): void {
    const { gateway } = this.#options;
    const sender = this.#maySend ? this.#sender : undefined;
    for (const { receiver, tag } of this.#centres) {
      if (receiver === this.#current?.receiver) continue;
      const carriage = nextCarriage({ gateway, receiver, tag }, nowMs);
      if (carriage !== undefined) this.#transmit(carriage);
    }
    const sources = { gateway, sender, ...(this.#current ?? {}) };
    for (let next = nextCarriage(sources, nowMs); next !== undefined; next = nextCarriage(sources, nowMs)) {
      this.#transmit(next);
    }
  }

  #transmit(frame: Frame): void {
    const { gateway, transmit } = this.#options;
    this.#counter += 1;
    this.#counts.sent += 1;
    transmit(
      seal(this.#key, { direction: 'up', gateway, salt: this.#salt, counter: this.#counter }, encodeFrame(frame)),
    );
  }
}

interface PendingEcho {
  readonly centre: CentreProcess;
  readonly nonce: Uint8Array;
  readonly times: number;
  readonly sentMs: number;
  readonly dueMs: number;
}
