import assert from 'node:assert/strict';
import { rangesOf } from '../../protocol/intervals.ts';
import { Backoff } from '../../runtime/backoff.ts';
import type { Clock } from '../../runtime/clock.ts';
import { type ErrorCode, type MooringError, toMooringError } from '../../runtime/errors.ts';
import type { Log } from '../../runtime/log.ts';
import type { Random } from '../../runtime/random.ts';
import { LANES, type Lane, type Store, type Taken } from '../store/store.ts';
import { Admission } from './admission.ts';
import { Exchange } from './exchange.ts';
import type { Cargo, SentBatch } from './in-flight.ts';
import { Link, type LinkState } from './link.ts';
import { Outcomes, type Verdict } from './outcomes.ts';
import type { Transport } from './transport.ts';
import { Wakeup } from './wakeup.ts';

export interface ForwarderOptions {
  /** Its name in the configuration; the store keeps a cursor by it. */
  readonly name: string;
  readonly gateway: string;
  readonly store: Pick<Store, 'take' | 'release' | 'hold' | 'settle' | 'reject'>;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Cap on the backlog lane, in encoded bytes a second; left out: as fast as the link takes them. */
  readonly backlogBytesPerSecond?: number;
  /** How long the live lane gathers after a commit, in milliseconds; 250 when left out. */
  readonly gatherMs?: number;
}

export interface ForwarderStatus {
  readonly name: string;
  /** Of the transport: `mqtt`, … */
  readonly kind: string;
  readonly link: LinkState;
  /** How long the link is in that state. */
  readonly linkForMs: number;
  readonly url?: string;
  readonly batchesInFlight: number;
  readonly recordsInFlight: number;
  /** Records that the centre's log has and its sinks do not. */
  readonly recordsHeld: number;
  /** Records settled since the start, rejected ones not included. */
  readonly acked: number;
  /** Records that the centre will never take. */
  readonly rejected: number;
  readonly acksReceived: number;
  readonly lastAckAgeMs?: number;
  readonly bytesSent: number;
  /** Acks, or parts of them, for what was never sent. */
  readonly unknownAcks: number;
  /** Why nothing gets through, while nothing does. */
  readonly lastError?: { readonly code: ErrorCode; readonly message: string };
}

const GATHER_MS = 250;
/** The order of a round. Each lane is asked once a round: so neither live nor backlog can starve the other. */
const ROUND: readonly Lane[] = ['urgent', 'live', 'urgent', 'backlog'];
const STORE_RETRY = { firstMs: 250, maxMs: 30_000 } as const;
const STOP_MS = 1000;
const NEVER = Number.POSITIVE_INFINITY;

/**
 * Takes pending rows from the store lane by lane and keeps sending them until an ack settles them. Holds no record that
 * the store does not have: it can be stopped, killed or cut off at any moment, and everything unanswered is pending.
 */
export class Forwarder {
  readonly #options: ForwarderOptions;
  readonly #admission: Admission;
  /** Apart from the others: the store may let what is settled wait for a commit that takes it along. */
  readonly #settlements: Outcomes;
  readonly #outcomes: Outcomes;
  readonly #exchange: Exchange;
  readonly #link: Link;
  readonly #wakeup: Wakeup;
  readonly #storeBackoff: Backoff;
  #storeError: MooringError | undefined;
  #storeRetryMs = Number.NEGATIVE_INFINITY;
  #acked = 0;
  #rejected = 0;
  #isStopping = false;
  #hasStopped = false;
  #life: Promise<void> | undefined;

  constructor(options: ForwarderOptions) {
    this.#options = { ...options, log: options.log.child({ forwarder: options.name }) };
    const { name, store, transport, clock, random, log } = this.#options;
    this.#wakeup = new Wakeup(clock);
    this.#storeBackoff = new Backoff(STORE_RETRY, random);
    const onDone = (verb: Verdict['verb'], freed: number): void => this.#concluded(verb, freed);
    const outcomes = { forwarder: name, store, clock, random, log, onDone };
    this.#settlements = new Outcomes(outcomes);
    this.#outcomes = new Outcomes(outcomes);
    this.#exchange = new Exchange({
      transport,
      clock,
      random,
      log,
      conclude: (verdict, salt, ranges) =>
        (verdict.verb === 'settle' ? this.#settlements : this.#outcomes).add(verdict, salt, ranges),
      onEncoded: (lane, records, bytes) => this.#admission.encoded(lane, records, bytes),
      onHandedOn: (sent, error) => this.#handedOn(sent, error),
    });
    this.#admission = new Admission({
      limits: transport.limits,
      exchange: this.#exchange,
      backlogBytesPerSecond: options.backlogBytesPerSecond,
      gatherMs: options.gatherMs ?? GATHER_MS,
      nowMs: clock.monotonicMs(),
    });
    this.#link = new Link({
      transport,
      clock,
      random,
      log,
      onAck: (ack) => {
        const before = this.#exchange.acks;
        this.#exchange.receive(ack);
        if (this.#exchange.acks > before) this.#link.proven();
        this.#wakeup.wake();
      },
      onUp: () => this.#wakeup.wake(),
      onDown: () => {
        this.#exchange.abandon();
        this.#admission.reset();
      },
    });
  }

  start(): void {
    assert(this.#life === undefined, 'a forwarder is started once');
    this.#link.start();
    this.#life = this.#live();
  }

  /** Something was committed: there may be rows to take. */
  notify(): void {
    this.#admission.lanes.committed(this.#options.clock.monotonicMs());
    this.#wakeup.wake();
  }

  /** Says goodbye and closes the link, within about a second or two; what is unanswered stays pending. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#wakeup.wake();
    await Promise.all([this.#inTime(this.#life ?? Promise.resolve()), this.#link.stop()]);
    this.#exchange.close();
    await this.#inTime(Promise.all([this.#settlements.flush(), this.#outcomes.flush()]));
    this.#hasStopped = true;
  }

  status(): ForwarderStatus {
    const { name, transport, clock } = this.#options;
    const { inFlight, lastAckMs, recordsInPieces } = this.#exchange;
    const nowMs = clock.monotonicMs();
    const error = this.#link.lastError ?? this.#exchange.lastError ?? this.#storeError;
    return {
      name,
      kind: transport.kind,
      link: this.#link.state,
      linkForMs: nowMs - this.#link.sinceMs,
      ...(transport.url === undefined ? {} : { url: transport.url }),
      batchesInFlight: inFlight.batches,
      recordsInFlight: inFlight.records + recordsInPieces,
      recordsHeld: inFlight.recordsHeld,
      acked: this.#acked,
      rejected: this.#rejected,
      acksReceived: this.#exchange.acks,
      ...(lastAckMs === undefined ? {} : { lastAckAgeMs: nowMs - lastAckMs }),
      bytesSent: this.#exchange.bytesSent,
      unknownAcks: this.#exchange.unknownAcks,
      ...(error === undefined ? {} : { lastError: { code: error.code, message: error.message } }),
    };
  }

  async #live(): Promise<void> {
    while (!this.#isStopping) {
      this.#exchange.expire();
      const hasSent = await this.#round();
      if (!hasSent && !this.#isStopping) await this.#wakeup.wait(this.#nextDueMs());
    }
  }

  /** Asks each lane once, and sends what it gives. Returns whether there was any. */
  async #round(): Promise<boolean> {
    let hasSent = this.#sendPiece();
    for (const lane of ROUND) if (await this.#takeAndSend(lane)) hasSent = true;
    return hasSent;
  }

  #sendPiece(): boolean {
    const nowMs = this.#options.clock.monotonicMs();
    const piece = this.#isUp && this.#admission.pieceDueMs() <= nowMs ? this.#exchange.nextPiece(nowMs) : undefined;
    if (piece !== undefined) this.#send(piece);
    return piece !== undefined;
  }

  async #takeAndSend(lane: Lane): Promise<boolean> {
    const { name, store, clock } = this.#options;
    const nowMs = clock.monotonicMs();
    if (!this.#isUp || this.#laneDueMs(lane, nowMs) > nowMs) return false;
    const { lanes } = this.#admission;
    const limits = this.#admission.takeLimits(lane);
    const { notified } = lanes;
    let taken: Taken | undefined;
    try {
      taken = await store.take(name, lane, limits);
    } catch (cause) {
      this.#storeFailed(toMooringError(cause, 'STORE_FAILED', 'the store failed'));
      return false;
    }
    this.#storeAnswered();
    if (taken === undefined) {
      lanes.empty(lane, notified);
      return false;
    }
    this.#admission.taken(lane, taken.records.length, this.#sendInBatches(taken), limits, clock.monotonicMs());
    return true;
  }

  #sendInBatches(taken: Taken): number {
    let bytes = 0;
    for (let rest = taken.records; rest.length > 0; ) {
      const count = this.#admission.batchRecords(taken.lane, rest.length);
      bytes += this.#send({ ...taken, records: rest.slice(0, count) });
      rest = rest.slice(count);
    }
    return bytes;
  }

  /** Returns the bytes that were sent; 0 where nothing could be. */
  #send(cargo: Cargo): number {
    if (this.#hasStopped) return 0;
    if (this.#isStopping || this.#link.state !== 'up') {
      const ranges = rangesOf(cargo.records.map(({ sequence }) => sequence));
      this.#outcomes.add({ verb: 'release' }, cargo.salt, ranges);
      return 0;
    }
    const bytes = this.#exchange.send(cargo);
    this.#admission.sent(cargo.lane, bytes, this.#options.clock.monotonicMs());
    return bytes;
  }

  #handedOn(sent: SentBatch, error: Error | undefined): void {
    // Of a session that has ended.
    if (this.#link.state !== 'up' || sent.sentMs < this.#link.sinceMs) return;
    this.#admission.handedOn(sent, error !== undefined, this.#options.clock.monotonicMs());
    if (error !== undefined) this.#link.fail(error);
    this.#wakeup.wake();
  }

  #concluded(verb: Verdict['verb'], freed: number): void {
    if (verb === 'settle') this.#acked += freed;
    if (verb === 'reject') this.#rejected += freed;
    // A rejection appends a gap record.
    if (verb === 'reject') this.#admission.lanes.committed(this.#options.clock.monotonicMs());
    if (verb === 'release') this.#admission.lanes.released(this.#options.clock.monotonicMs());
    this.#wakeup.wake();
  }

  /** When there is something to do by itself; every other change wakes the loop. */
  #nextDueMs(): number {
    const nowMs = this.#options.clock.monotonicMs();
    const sendMs = this.#isUp ? LANES.map((lane) => this.#laneDueMs(lane, nowMs)) : [];
    const pieceMs = this.#isUp ? this.#admission.pieceDueMs() : NEVER;
    return Math.min(...sendMs, pieceMs, this.#exchange.nextExpiryMs());
  }

  #laneDueMs(lane: Lane, nowMs: number): number {
    return Math.max(this.#storeRetryMs, this.#admission.laneDueMs(lane, nowMs));
  }

  get #isUp(): boolean {
    return this.#link.state === 'up' && !this.#isStopping;
  }

  #storeFailed(error: MooringError): void {
    if (this.#storeError?.code !== error.code) {
      this.#options.log.error({ err: error, code: error.code }, 'the store gives no rows');
    }
    this.#storeError = error;
    this.#storeRetryMs = this.#options.clock.monotonicMs() + this.#storeBackoff.nextMs();
  }

  #storeAnswered(): void {
    if (this.#storeError === undefined) return;
    this.#options.log.info({}, 'the store gives rows again');
    this.#storeError = undefined;
    this.#storeBackoff.reset();
  }

  /** Waits for what the store may let wait, but not for long: it has it, and commits it when it closes. */
  async #inTime(work: Promise<unknown>): Promise<void> {
    const timeUp = Promise.withResolvers<void>();
    const cancel = this.#options.clock.after(STOP_MS, timeUp.resolve);
    await Promise.race([work, timeUp.promise]);
    cancel();
  }
}
