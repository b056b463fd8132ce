import type { Ack } from '../../protocol/ack.ts';
import { BATCH_VERSION, encodeBatch } from '../../protocol/batch-codec.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { type Range, rangesOf } from '../../protocol/intervals.ts';
import { Backoff } from '../../runtime/backoff.ts';
import type { Clock } from '../../runtime/clock.ts';
import { MooringError } from '../../runtime/errors.ts';
import type { Log } from '../../runtime/log.ts';
import type { Random } from '../../runtime/random.ts';
import type { Lane } from '../store/store.ts';
import { type Cargo, InFlight, type SentBatch } from './in-flight.ts';
import type { Verdict } from './outcomes.ts';
import type { Transport } from './transport.ts';

export interface ExchangeOptions {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** What became of rows that were taken. */
  readonly conclude: (verdict: Verdict, salt: Uint8Array, ranges: readonly Range[]) => void;
  /** Records of a lane were encoded together, as so many bytes; whether that could be sent or not. */
  readonly onEncoded: (lane: Lane, records: number, bytes: number) => void;
  /** A batch was handed on by the transport, or has failed to be. */
  readonly onHandedOn: (sent: SentBatch, error: Error | undefined) => void;
}

interface Piece {
  readonly cargo: Cargo;
  readonly notBeforeMs: number;
}

/** Times that the centre must have failed to read one record alone before it is given up. */
const TRIALS = 3;
const TRIAL_MS = 2000;
/** The longest wait between trials of one record; while there are too many to try, in milliseconds. */
const TRIAL_MAX_MS = { few: 300_000, many: 3_600_000 } as const;
/** Records whose batches the centre could not read. Beyond that, what it cannot read goes back to the store. */
const DOUBTED_RECORDS_MAX = 1024;
/** After an ack deadline, while the centre does not answer at all. */
const SILENCE = { firstMs: 1000, maxMs: 60_000 } as const;
/** How long to wait for the centre to be updated, in milliseconds. */
const VERSION_PAUSE_MS = 300_000;
/** Bounds on what `busy` may ask for, in milliseconds. */
const BUSY_MS = { min: 100, max: 600_000 } as const;
/** How full the parts are meant to be of what does not fit the link as a whole. */
const PART_FILLING = 0.9;
const BATCH_NUMBER_MAX = 0xffff_ffff;
const TOKEN_BYTES = 8;

/**
 * What passes between one forwarder and the centre: numbers, encodes and sends batches, and knows what their acks mean.
 * Only an ack concludes anything; whatever else happens to a batch, its rows go back to the store.
 */
export class Exchange {
  readonly #options: ExchangeOptions;
  readonly #inFlight = new InFlight();
  readonly #silence: Backoff;
  #nextBatch = 1;
  /** Batches in other words: parts of what the centre could not read. Reserved in the store like those in flight. */
  #pieces: Piece[] = [];
  #pausedUntilMs = Number.NEGATIVE_INFINITY;
  #silentUntilMs = Number.NEGATIVE_INFINITY;
  #isSilent = false;
  #tooNew: MooringError | undefined;
  #unread: MooringError | undefined;
  #lastStoredMs = Number.NEGATIVE_INFINITY;
  #lastAckMs: number | undefined;
  #acks = 0;
  #unknownAcks = 0;
  #bytesSent = 0;

  constructor(options: ExchangeOptions) {
    this.#options = options;
    this.#silence = new Backoff(SILENCE, options.random);
  }

  get inFlight(): InFlight {
    return this.#inFlight;
  }

  /** Acks of batches that were sent. */
  get acks(): number {
    return this.#acks;
  }

  /** Acks, or parts of them, for what was never sent. */
  get unknownAcks(): number {
    return this.#unknownAcks;
  }

  /** When the last ack came, on the monotonic clock. */
  get lastAckMs(): number | undefined {
    return this.#lastAckMs;
  }

  get bytesSent(): number {
    return this.#bytesSent;
  }

  /** The centre has answered nothing for longer than it may: only as much is sent as it takes to notice when it does. */
  get isSilent(): boolean {
    return this.#isSilent;
  }

  /** Records that wait to be sent in other batches than they were taken in. */
  get recordsInPieces(): number {
    return countOf(this.#pieces);
  }

  /** The centre cannot read so much that no more may be tried than shows whether it reads anything. */
  get isNotUnderstood(): boolean {
    const waiting = countOf(this.#pieces.filter(({ cargo }) => cargo.doubt !== undefined));
    return waiting + this.#inFlight.recordsInDoubt > DOUBTED_RECORDS_MAX;
  }

  /** Until when the centre has asked for nothing to be sent. */
  get pausedUntilMs(): number {
    return this.#pausedUntilMs;
  }

  /** Until when only the urgent lane tries a silent centre. */
  get silentUntilMs(): number {
    return this.#silentUntilMs;
  }

  /** Why the centre takes nothing although the link is up. */
  get lastError(): MooringError | undefined {
    const refusal = this.#tooNew ?? this.#unread;
    if (refusal !== undefined) return refusal;
    return this.#isSilent ? noAnswer() : undefined;
  }

  /**
   * Sends what was taken from the store. Returns the bytes that it takes, or 0 where it cannot be encoded together: then
   * its parts are the next pieces.
   */
  send(cargo: Cargo): number {
    const { clock, random, transport } = this.#options;
    const name = { batch: this.#nextBatch, token: random.bytes(TOKEN_BYTES) };
    let bytes: Uint8Array;
    try {
      bytes = encodeBatch({ ...name, salt: cargo.salt, records: cargo.records });
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#unsendable(cargo, error, 2);
      return 0;
    }
    const { batchBytesMax } = transport.limits;
    this.#options.onEncoded(cargo.lane, cargo.records.length, bytes.length);
    if (bytes.length > batchBytesMax) {
      const parts = Math.ceil(bytes.length / (batchBytesMax * PART_FILLING));
      this.#unsendable(cargo, new ProtocolError('BOUNDS', 'more than the link takes'), parts);
      return 0;
    }
    this.#nextBatch = this.#nextBatch === BATCH_NUMBER_MAX ? 1 : this.#nextBatch + 1;
    this.#bytesSent += bytes.length;
    const nowMs = clock.monotonicMs();
    const { ackDeadlineMs } = transport.limits;
    // Twice as long until it is handed on: a slow link may still be busy with it.
    const sent = this.#inFlight.add(name, cargo, nowMs, nowMs + 2 * ackDeadlineMs);
    transport.send(bytes, { isUrgent: cargo.lane === 'urgent' }).then(
      () => {
        this.#inFlight.handedOn(sent, clock.monotonicMs() + ackDeadlineMs);
        this.#options.onHandedOn(sent, undefined);
      },
      (error: unknown) => {
        this.#release(sent);
        this.#options.onHandedOn(sent, error as Error);
      },
    );
    return bytes.length;
  }

  /** The next part of what could not go as it was, where one is due. */
  nextPiece(nowMs: number): Cargo | undefined {
    const index = this.#pieces.findIndex(({ notBeforeMs }) => notBeforeMs <= nowMs);
    return index < 0 ? undefined : this.#pieces.splice(index, 1)[0]?.cargo;
  }

  /** When the next part is due; infinite when there is none. */
  nextPieceMs(): number {
    return this.#pieces.reduce((nextMs, { notBeforeMs }) => Math.min(nextMs, notBeforeMs), Number.POSITIVE_INFINITY);
  }

  /** When `expire` has something to do next; infinite when nothing is in flight or held. */
  nextExpiryMs(): number {
    return this.#inFlight.nextDueMs();
  }

  /** Takes an ack, whatever it says and however often. */
  receive(ack: Ack): void {
    const sent = this.#inFlight.find(ack);
    if (sent === undefined) {
      this.#unknownAcks += 1;
      return;
    }
    const { conclude, clock } = this.#options;
    const nowMs = clock.monotonicMs();
    this.#answered(nowMs);
    const { stored, held, rejected, namesForeign } = this.#inFlight.answer(sent, ack, nowMs);
    if (namesForeign) this.#unknownAcks += 1;
    if (stored.length > 0 || rejected.length > 0) {
      this.#lastStoredMs = nowMs;
      this.#tooNew = undefined;
      if (!this.isNotUnderstood) this.#unread = undefined;
      this.#tryAgain(nowMs);
    }
    conclude({ verb: 'settle' }, sent.salt, stored);
    conclude({ verb: 'hold' }, sent.salt, held);
    for (const { ranges, code } of rejected) {
      this.#options.log.warn({ code, ranges }, 'the centre has rejected records');
      conclude({ verb: 'reject', code }, sent.salt, ranges);
    }
    if (ack.busy !== undefined) this.#busy(sent, ack.busy.retryAfterMs, nowMs);
    if (ack.versionMax !== undefined) this.#versionRefused(sent, ack.versionMax, nowMs);
    else if (ack.unreadable) this.#unreadable(sent, nowMs);
  }

  /** Gives back what was not answered in time, and what was held for long enough. */
  expire(): void {
    const nowMs = this.#options.clock.monotonicMs();
    for (const sent of this.#inFlight.overdue(nowMs)) {
      this.#release(sent);
      if (!sent.isHandedOn) this.#options.onHandedOn(sent, stuck());
      else if (this.#lastAckMs === undefined || this.#lastAckMs < sent.sentMs) this.#unanswered(nowMs);
    }
    this.#endHolds(nowMs);
  }

  /** The link is down: everything in flight may be lost. */
  abandon(): void {
    for (const sent of this.#inFlight.all()) this.#release(sent);
    for (const { cargo } of this.#pieces.splice(0)) {
      this.#options.conclude({ verb: 'release' }, cargo.salt, rangesOf(cargo.records.map(({ sequence }) => sequence)));
    }
  }

  /** Gives back everything, what is held too. */
  close(): void {
    this.abandon();
    this.#endHolds(Number.POSITIVE_INFINITY);
  }

  #release(sent: SentBatch): void {
    this.#options.conclude({ verb: 'release' }, sent.salt, this.#inFlight.giveUp(sent));
  }

  #endHolds(nowMs: number): void {
    for (const { salt, ranges } of this.#inFlight.endHolds(nowMs)) {
      this.#options.conclude({ verb: 'release' }, salt, ranges);
    }
  }

  #answered(nowMs: number): void {
    this.#acks += 1;
    this.#lastAckMs = nowMs;
    this.#silence.reset();
    this.#silentUntilMs = Number.NEGATIVE_INFINITY;
    if (this.#isSilent) this.#options.log.info({}, 'the centre answers again');
    this.#isSilent = false;
  }

  /** Resending at once what nobody answers would only cost bytes. */
  #unanswered(nowMs: number): void {
    if (!this.#isSilent) this.#options.log.warn({ lastAckMs: this.#lastAckMs }, 'the centre does not answer');
    this.#isSilent = true;
    if (this.#silentUntilMs <= nowMs) this.#silentUntilMs = nowMs + this.#silence.nextMs();
  }

  /** With jitter, so that the gateways that a full centre has sent away do not come back together. */
  #busy(sent: SentBatch, retryAfterMs: number, nowMs: number): void {
    this.#release(sent);
    const waitMs =
      Math.min(BUSY_MS.max, Math.max(BUSY_MS.min, retryAfterMs)) * (1 + this.#options.random.uniform() / 2);
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, nowMs + waitMs);
  }

  /** There is no older version to fall back to; records are never destroyed for that. */
  #versionRefused(sent: SentBatch, versionMax: number, nowMs: number): void {
    this.#release(sent);
    this.#pausedUntilMs = nowMs + VERSION_PAUSE_MS * (0.5 + this.#options.random.uniform() / 2);
    if (this.#tooNew !== undefined) return;
    this.#tooNew = new MooringError('LINK_REFUSED', 'the centre does not read batches of this version', {
      context: { version: BATCH_VERSION, versionMax },
      hint: 'Update the centre; until then the gateway keeps its records.',
    });
    this.#options.log.error({ err: this.#tooNew, hint: this.#tooNew.hint }, 'the centre is too old');
  }

  #unreadable(sent: SentBatch, nowMs: number): void {
    const { salt, lane, doubt } = sent;
    if (doubt === undefined && this.isNotUnderstood) {
      this.#release(sent);
      this.#noteUnread();
      return;
    }
    const records = this.#inFlight.withdraw(sent);
    const [only, second] = records;
    if (only === undefined) return;
    if (second !== undefined) {
      this.#divide({ salt, lane, records, doubt: doubt ?? { times: 0, sinceMs: nowMs } }, 2, nowMs);
      return;
    }
    const times = (doubt?.times ?? 0) + 1;
    const trials = { times, sinceMs: times === 1 ? nowMs : (doubt?.sinceMs ?? nowMs) };
    // A centre that reads nothing at all is at fault itself, and then no record may be given up.
    if (trials.times >= TRIALS && this.#lastStoredMs > trials.sinceMs) {
      this.#options.log.error({ sequence: only.sequence }, 'the centre cannot read a record: it is given up');
      this.#options.conclude({ verb: 'reject', code: 'invalid_record' }, salt, [[only.sequence, only.sequence]]);
      return;
    }
    const maxMs = this.isNotUnderstood ? TRIAL_MAX_MS.many : TRIAL_MAX_MS.few;
    const waitMs = Math.min(maxMs, TRIAL_MS * 2 ** Math.min(trials.times, 11));
    this.#pieces.push({ cargo: { salt, lane, records, doubt: trials }, notBeforeMs: nowMs + waitMs });
  }

  #noteUnread(): void {
    if (this.#unread !== undefined) return;
    this.#unread = new MooringError('LINK_REFUSED', 'the centre cannot read most of what it is sent', {
      hint: 'See its log and its version; the gateway keeps what nobody can read, and tries little until it is read.',
    });
    this.#options.log.error({ err: this.#unread, hint: this.#unread.hint }, 'the centre does not understand');
  }

  /** The centre reads something, so it is well: what has waited only for that is stored now, or given up. */
  #tryAgain(nowMs: number): void {
    this.#pieces = this.#pieces.map((piece) => {
      return (piece.cargo.doubt?.times ?? 0) < TRIALS ? piece : { ...piece, notBeforeMs: nowMs };
    });
  }

  /** Nothing that the store took can be beyond the bounds alone; if it is, it will be at every try. */
  #unsendable(cargo: Cargo, error: ProtocolError, parts: number): void {
    const [only, second] = cargo.records;
    if (only === undefined || second !== undefined) {
      this.#divide(cargo, parts, this.#options.clock.monotonicMs());
      return;
    }
    this.#options.log.error({ err: error, sequence: only.sequence }, 'a record cannot be encoded: it is given up');
    const code = error.code === 'BOUNDS' ? 'too_large' : 'invalid_record';
    this.#options.conclude({ verb: 'reject', code }, cargo.salt, [[only.sequence, only.sequence]]);
  }

  #divide(cargo: Cargo, parts: number, nowMs: number): void {
    const { records } = cargo;
    const size = Math.ceil(records.length / Math.min(parts, records.length));
    for (let from = 0; from < records.length; from += size) {
      this.#pieces.push({ cargo: { ...cargo, records: records.slice(from, from + size) }, notBeforeMs: nowMs });
    }
  }
}

function countOf(pieces: readonly Piece[]): number {
  return pieces.reduce((count, { cargo }) => count + cargo.records.length, 0);
}

function stuck(): MooringError {
  return new MooringError('LINK_SILENT', 'the link takes no batch');
}

function noAnswer(): MooringError {
  return new MooringError('LINK_SILENT', 'the centre does not answer', {
    hint: 'The link is up, but no acknowledgement comes: see whether `mooring central` runs and may use the broker.',
  });
}
