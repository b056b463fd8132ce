import assert from 'node:assert/strict';
import { DelayWindow } from './delay-window.ts';
import { NUMBERS_SPREAD_MAX, type NumberedMessage, type Receipts } from './frames.ts';
import { RoundTrip } from './round-trip.ts';

/** So many taken, over so many trips, without one that was sent once: no chance, but trips longer than the patience. */
const UNMEASURED_MAX = { messages: 8, trips: 4 } as const;
/** One that was sent before so long ago was lost, and tells nothing of trips. */
const SURMISE_MS_MAX = 10_000;
/** So many may be under way whatever the pace. */
const UNPACED = 2;
/** What is sent again at a time-out, without knowing whether anybody is there. */
const PROBES = 2;

/** A message that no receipt has come for yet. */
interface Outgoing {
  readonly number: number;
  readonly bytes: Uint8Array;
  readonly sinceMs: number;
  readonly isUrgent: boolean;
  /** How often it was sent. */
  times: number;
  /** The place of its newest transmission among all; undefined while it waits to be sent. */
  order: number | undefined;
  /** The place of the one before. */
  orderBefore: number;
  sentMs: number;
  /** When the one before left. */
  sentBeforeMs: number;
}

export interface MessageSenderOptions {
  /** The number of its first message. */
  readonly firstNumber: number;
  /** A message that nobody has taken for so long is given up; default never. In milliseconds. */
  readonly messageLifeMs?: number;
}

/**
 * Sends each message until a receipt for it comes, under a new counter each time: on losses that later receipts give away
 * (RACK, RFC 8985) and, where nothing comes at all, on a time-out (RFC 6298). It says what may leave when; it seals and
 * sends nothing itself.
 */
export class MessageSender {
  readonly #lifeMs: number;
  readonly #trip = new RoundTrip();
  readonly #window = new DelayWindow();
  /** By number, ascending. */
  readonly #messages = new Map<number, Outgoing>();
  /** Under way, by the place of their newest transmission, ascending. */
  readonly #inFlight = new Map<number, Outgoing>();
  /** To be sent again, before anything new. */
  readonly #lost: Outgoing[] = [];
  readonly #fresh: Outgoing[] = [];
  /** Fresh ones that go before everything else. */
  readonly #urgent: Outgoing[] = [];
  #nextNumber: number;
  #nextOrder = 1;
  /** The newest transmission that is known to have come. */
  #newestTaken = 0;
  /** A time-out is counted from here: the last receipt, or the first transmission since nothing was under way. */
  #timedFromMs = 0;
  /** Taken since a trip was measured, and when that was. */
  #unmeasured = 0;
  #measuredMs = 0;
  /** What a time-out sends goes whatever the window is: it is full of what was lost. */
  #probesLeft = 0;
  #retransmitted = 0;
  #givenUp = 0;

  constructor({ firstNumber, messageLifeMs }: MessageSenderOptions) {
    this.#nextNumber = firstNumber;
    this.#lifeMs = messageLifeMs ?? Number.POSITIVE_INFINITY;
  }

  /** No message below this number will be sent any more. */
  get lowest(): number {
    for (const number of this.#messages.keys()) return number;
    return this.#nextNumber;
  }

  /** That of the message that is added next. */
  get nextNumber(): number {
    return this.#nextNumber;
  }

  /** Messages that are not taken yet. */
  get pending(): number {
    return this.#messages.size;
  }

  get canSend(): boolean {
    return this.#nextNumber - this.lowest < NUMBERS_SPREAD_MAX;
  }

  /** Messages that may be under way at once. */
  get window(): number {
    return this.#window.size;
  }

  get roundTripMs(): number | undefined {
    return this.#trip.smoothedMs;
  }

  /** How long to wait for an answer now. */
  get timeoutMs(): number {
    return this.#trip.timeoutMs;
  }

  get retransmitted(): number {
    return this.#retransmitted;
  }

  /** Messages whose life ended before anybody took them. */
  get givenUp(): number {
    return this.#givenUp;
  }

  /** The time that a handshake took, as a first estimate. */
  learnTrip(tripMs: number): void {
    this.#trip.sample(tripMs);
  }

  add(bytes: Uint8Array, nowMs: number, { isUrgent = false } = {}): number {
    assert(this.canSend, 'room for a message');
    const number = this.#nextNumber;
    this.#nextNumber += 1;
    const outgoing = {
      number,
      bytes,
      sinceMs: nowMs,
      isUrgent,
      times: 0,
      order: undefined,
      orderBefore: 0,
      sentMs: 0,
      sentBeforeMs: 0,
    };
    this.#messages.set(number, outgoing);
    (isUrgent ? this.#urgent : this.#fresh).push(outgoing);
    return number;
  }

  /** Sends it no more. */
  forget(number: number): void {
    const outgoing = this.#messages.get(number);
    if (outgoing !== undefined) this.#end(outgoing);
  }

  /** The other end has forgotten what it had: whatever is under way is sent once more. */
  restart(nowMs: number): void {
    for (const outgoing of this.#inFlight.values()) this.#queueAgain(outgoing);
    this.#inFlight.clear();
    this.#lost.sort((one, other) => Number(other.isUrgent) - Number(one.isUrgent) || one.number - other.number);
    this.#trip.restart();
    this.#timedFromMs = nowMs;
  }

  /** Takes receipts, whatever they say and however often; returns the numbers that they are the first for. */
  receive({ upTo, bitmap }: Receipts, nowMs: number): number[] {
    const taken: Outgoing[] = [];
    for (const [number, outgoing] of this.#messages) {
      const bit = number - upTo - 1;
      const byte = bit < 0 ? 0xff : bitmap[bit >>> 3];
      if (byte === undefined) break;
      if (outgoing.times > 0 && (byte & (bit < 0 ? 0xff : 0x80 >>> (bit & 7))) !== 0) taken.push(outgoing);
    }
    if (taken.length > 0) this.#taken(taken, nowMs);
    return taken.map(({ number }) => number);
  }

  /** The next message that leaves now, or undefined where none may. Counts as sent once it is returned. */
  next(nowMs: number): NumberedMessage | undefined {
    this.#expire(nowMs);
    this.#findLost(nowMs);
    this.#findSilence(nowMs);
    if (!this.#mayProbe && (this.#inFlight.size >= this.#window.size || this.#paceMs > nowMs)) return undefined;
    this.#probesLeft = Math.max(0, this.#probesLeft - 1);
    const outgoing = this.#urgent.shift() ?? this.#lost.shift() ?? this.#fresh.shift();
    if (outgoing === undefined) return undefined;
    const { number, bytes } = outgoing;
    if (this.#inFlight.size === 0) this.#timedFromMs = nowMs;
    if (outgoing.times > 0) this.#retransmitted += 1;
    outgoing.times += 1;
    outgoing.order = this.#nextOrder;
    outgoing.sentBeforeMs = outgoing.sentMs;
    outgoing.sentMs = nowMs;
    this.#inFlight.set(this.#nextOrder, outgoing);
    this.#nextOrder += 1;
    this.#window.sent(bytes.length, this.#inFlight.size, this.#trip.smoothedMs, nowMs);
    return { number, back: number - this.lowest, bytes };
  }

  /** When `next` may have something; infinite where nothing is to be sent or awaited. */
  nextDueMs(): number {
    let dueMs = Number.POSITIVE_INFINITY;
    if (this.#messages.size === 0) return dueMs;
    const hasQueued = this.#inFlight.size < this.#messages.size;
    if (hasQueued && this.#inFlight.size < this.#window.size) dueMs = this.#paceMs;
    for (const [order, { sentMs }] of this.#inFlight) {
      if (order < this.#newestTaken) dueMs = Math.min(dueMs, sentMs + this.#patienceMs);
      dueMs = Math.min(dueMs, this.#timedFromMs + this.#trip.timeoutMs);
      break;
    }
    for (const { sinceMs } of this.#messages.values()) return Math.min(dueMs, sinceMs + this.#lifeMs);
    return dueMs;
  }

  #taken(taken: readonly Outgoing[], nowMs: number): void {
    let newest: Outgoing | undefined;
    for (const outgoing of taken) {
      this.#newestTaken = Math.max(this.#newestTaken, this.#takenOrder(outgoing, nowMs));
      // Of one that was sent twice nobody knows which has come; older ones may have waited for a receipt that was lost.
      if (outgoing.times === 1 && (newest === undefined || outgoing.sentMs > newest.sentMs)) newest = outgoing;
      this.#end(outgoing);
    }
    const tripMs = newest === undefined ? undefined : nowMs - newest.sentMs;
    if (tripMs === undefined) this.#surmise(taken, nowMs);
    else {
      this.#measured(nowMs);
      this.#trip.sample(tripMs);
    }
    this.#trip.answered();
    this.#timedFromMs = nowMs;
    this.#window.taken(taken.length, tripMs, this.#trip, nowMs);
  }

  /**
   * Where trips become longer than it takes to lose patience, everything is sent twice, and then no trip is ever measured
   * again: it is taken to be longer until one is.
   */
  #surmise(taken: readonly Outgoing[], nowMs: number): void {
    this.#unmeasured += taken.length;
    const last = taken.at(-1);
    const { smoothedMs } = this.#trip;
    if (this.#unmeasured < UNMEASURED_MAX.messages || last === undefined || smoothedMs === undefined) return;
    if (nowMs - this.#measuredMs < UNMEASURED_MAX.trips * smoothedMs) return;
    this.#measured(nowMs);
    const tripMs = nowMs - last.sentBeforeMs;
    if (tripMs <= SURMISE_MS_MAX && this.#trip.timeouts === 0) this.#trip.sample(Math.min(tripMs, 2 * smoothedMs));
  }

  #measured(nowMs: number): void {
    this.#unmeasured = 0;
    this.#measuredMs = nowMs;
  }

  /** Which transmission has come: the newest, unless no answer to that could be here yet and one to the other could. */
  #takenOrder({ order, orderBefore, sentMs, sentBeforeMs, times }: Outgoing, nowMs: number): number {
    const canBeNewest = times === 1 || nowMs - sentMs >= (this.#window.shortestMs ?? 0);
    const isNewest = canBeNewest || nowMs - sentBeforeMs > this.#trip.longestMs;
    return order !== undefined && isNewest ? order : orderBefore;
  }

  /** After so long, something that was overtaken is lost and not just late. */
  get #patienceMs(): number {
    const tripMs = this.#trip.smoothedMs ?? 0;
    return tripMs + Math.max((this.#window.shortestMs ?? tripMs) / 4, 3 * this.#trip.deviationMs);
  }

  #findLost(nowMs: number): void {
    const patienceMs = this.#patienceMs;
    let count = 0;
    for (const [order, outgoing] of this.#inFlight) {
      if (order >= this.#newestTaken || outgoing.sentMs + patienceMs > nowMs) break;
      this.#inFlight.delete(order);
      this.#queueAgain(outgoing);
      count += 1;
    }
    if (count > 0) this.#window.lost(count);
  }

  /** Nothing has come for a whole time-out: asks with the oldest, and waits for longer. */
  #findSilence(nowMs: number): void {
    if (this.#inFlight.size === 0 || this.#timedFromMs + this.#trip.timeoutMs > nowMs) return;
    this.#trip.backOff();
    // Of a few datagrams, chance alone loses all now and then.
    if (this.#trip.timeouts > 1) this.#window.silent();
    this.#timedFromMs = nowMs;
    this.#probesLeft = PROBES;
    let left = PROBES;
    for (const [order, outgoing] of this.#inFlight) {
      if (left === 0) break;
      this.#inFlight.delete(order);
      this.#queueAgain(outgoing);
      left -= 1;
    }
  }

  /** Two under way are no burst: where trips were long until now, a pace that goes by them would hold everything up. */
  get #paceMs(): number {
    return this.#inFlight.size < UNPACED ? Number.NEGATIVE_INFINITY : this.#window.nextSendMs;
  }

  get #mayProbe(): boolean {
    return this.#probesLeft > 0 && this.#lost.length > 0;
  }

  #expire(nowMs: number): void {
    for (const outgoing of this.#messages.values()) {
      if (outgoing.sinceMs + this.#lifeMs > nowMs) break;
      this.#givenUp += 1;
      this.#end(outgoing);
    }
  }

  #queueAgain(outgoing: Outgoing): void {
    outgoing.orderBefore = outgoing.order ?? outgoing.orderBefore;
    outgoing.order = undefined;
    if (outgoing.isUrgent) this.#lost.unshift(outgoing);
    else this.#lost.push(outgoing);
  }

  #end(outgoing: Outgoing): void {
    this.#messages.delete(outgoing.number);
    if (outgoing.order !== undefined) {
      this.#inFlight.delete(outgoing.order);
      return;
    }
    const fresh = outgoing.isUrgent ? this.#urgent : this.#fresh;
    const queue = outgoing.times > 0 ? this.#lost : fresh;
    queue.splice(queue.indexOf(outgoing), 1);
  }
}
