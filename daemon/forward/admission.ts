import { BOUNDS } from '../../protocol/record.ts';
import type { Lane, TakeLimits } from '../store/store.ts';
import { BatchSize } from './batch-size.ts';
import type { Exchange } from './exchange.ts';
import type { SentBatch } from './in-flight.ts';
import { Lanes } from './lanes.ts';
import { TokenBucket } from './token-bucket.ts';
import type { TransportLimits } from './transport.ts';

export interface AdmissionOptions {
  readonly limits: TransportLimits;
  readonly exchange: Exchange;
  /** Cap on the backlog lane, in encoded bytes a second; undefined: as fast as the link takes them. */
  readonly backlogBytesPerSecond: number | undefined;
  /** How long the live lane gathers after a commit, in milliseconds. */
  readonly gatherMs: number;
  /** Now, on the monotonic clock. */
  readonly nowMs: number;
}

/** Rows take about so many times more bytes in the store than in a batch. */
const COMPACTION = 8;
/** Bound on the rows of one batch as they are stored: they never take less than they do in the batch. */
const STORED_BYTES_MAX = BOUNDS.batchBytes;
/** Datagrams that one look into the store may fill: enough to pay for it, and no longer work than a large batch. */
const SMALL_BATCHES_MAX = 8;
/** Where the transport does not say how many may wait to be handed on. */
const UNSENT_MAX = 2;
/** What is held is remembered by ranges; beyond this many only urgent rows go on. */
const HELD_RANGES_MAX = 8192;
/** How often a lane tries one record at a centre that cannot read most of what it is sent, in milliseconds. */
const PROBE_MS = 5000;
const NEVER = Number.POSITIVE_INFINITY;

/**
 * Which lane may send when, and how much, while the link is up. Each lane has a window of its own, so that neither live nor
 * backlog can starve the other, and the last places in flight are kept for what is urgent.
 */
export class Admission {
  readonly lanes: Lanes;
  readonly #limits: TransportLimits;
  readonly #exchange: Exchange;
  readonly #bucket: TokenBucket | undefined;
  readonly #batchSize: BatchSize;
  readonly #backlogBytesMax: number;
  readonly #isSmall: boolean;
  #probeMs: Record<Lane, number> = { urgent: 0, live: 0, backlog: 0 };
  #unsent: Record<Lane, number> = { urgent: 0, live: 0, backlog: 0 };

  constructor({ limits, exchange, backlogBytesPerSecond, gatherMs, nowMs }: AdmissionOptions) {
    this.lanes = new Lanes(gatherMs, nowMs);
    this.#limits = limits;
    this.#exchange = exchange;
    this.#batchSize = new BatchSize({ recordsMax: BOUNDS.recordsPerBatch, bytesMax: limits.batchBytesMax });
    const rate = backlogBytesPerSecond;
    this.#bucket = rate === undefined ? undefined : new TokenBucket(rate, rate, nowMs);
    // No batch is so large that the rate would come in bursts of many seconds; a datagram is not, whatever the rate.
    this.#isSmall = limits.batchBytesMax <= 2 * BOUNDS.recordBytes;
    const ratedBytes = rate === undefined || this.#isSmall ? STORED_BYTES_MAX : Math.max(BOUNDS.recordBytes, rate);
    this.#backlogBytesMax = Math.min(STORED_BYTES_MAX, ratedBytes);
  }

  /** When a batch of this lane may be taken; infinite while something else has to happen first. */
  laneDueMs(lane: Lane, nowMs: number): number {
    if (!this.#hasRoom(lane)) return NEVER;
    const { pausedUntilMs, silentUntilMs } = this.#exchange;
    return Math.max(
      this.lanes.dueMs(lane, nowMs),
      pausedUntilMs,
      lane === 'urgent' ? 0 : silentUntilMs,
      this.#exchange.isNotUnderstood ? this.#probeMs[lane] : 0,
      lane === 'backlog' ? (this.#bucket?.readyMs(nowMs) ?? 0) : 0,
    );
  }

  /** When the next part of what could not go as it was may be sent; infinite when there is none. */
  pieceDueMs(): number {
    const { pausedUntilMs, silentUntilMs, inFlight } = this.#exchange;
    if (inFlight.batches >= this.#limits.batchesInFlightMax) return NEVER;
    return Math.max(pausedUntilMs, silentUntilMs, this.#exchange.nextPieceMs());
  }

  /** How much may be taken at once: a batch, or as many small ones as have room. */
  takeLimits(lane: Lane): TakeLimits {
    if (this.#exchange.isNotUnderstood) return { recordsMax: 1, bytesMax: STORED_BYTES_MAX };
    // What has to keep to a rate goes batch by batch.
    const isOne = !this.#isSmall || (lane === 'backlog' && this.#bucket !== undefined);
    const batches = isOne ? 1 : Math.max(1, Math.min(SMALL_BATCHES_MAX, this.#room(lane)));
    return {
      recordsMax: batches * this.#batchSize.recordsOf(lane),
      bytesMax: lane === 'backlog' ? this.#backlogBytesMax : STORED_BYTES_MAX,
    };
  }

  /** How many of so many records that were taken the next batch gets: all of them in batches of about the same size. */
  batchRecords(lane: Lane, records: number): number {
    if (!this.#isSmall) return records;
    return Math.ceil(records / Math.ceil(records / this.#batchSize.recordsOf(lane)));
  }

  /** Records of a lane were encoded together, as so many bytes; whether that could be sent or not. */
  encoded(lane: Lane, records: number, bytes: number): void {
    this.#batchSize.encoded(lane, records, bytes);
  }

  /** What was taken within `limits` was sent, as so many bytes; 0 where it could not be. */
  sent(lane: Lane, bytes: number, nowMs: number): void {
    if (bytes === 0) return;
    this.#unsent[lane] += 1;
    if (lane === 'backlog') this.#bucket?.charge(bytes, nowMs);
  }

  /** Rows were taken: where they filled a batch, there may be more that need not wait. */
  taken(lane: Lane, records: number, bytes: number, limits: TakeLimits, nowMs: number): void {
    this.#probeMs[lane] = nowMs + PROBE_MS;
    const isFull = records >= limits.recordsMax / 2 || bytes >= limits.bytesMax / COMPACTION;
    this.lanes.taken(lane, isFull, nowMs);
  }

  /** The transport has got rid of a batch, or has failed to. */
  handedOn({ lane, sentMs, sequences }: SentBatch, hasFailed: boolean, nowMs: number): void {
    this.#unsent[lane] -= 1;
    if (hasFailed) this.#batchSize.lost();
    else this.#batchSize.handedOn(sequences.count, nowMs - sentMs);
  }

  /** The link is down: nothing waits to be handed on any more. */
  reset(): void {
    this.#unsent = { urgent: 0, live: 0, backlog: 0 };
  }

  #hasRoom(lane: Lane): boolean {
    const { inFlight, isSilent } = this.#exchange;
    if (lane !== 'urgent' && inFlight.rangesHeld >= HELD_RANGES_MAX) return false;
    if (this.#room(lane) <= 0) return false;
    if (!isSilent) return true;
    return lane === 'urgent'
      ? inFlight.batchesOf(lane) === 0
      : inFlight.batchesOf('live') + inFlight.batchesOf('backlog') === 0;
  }

  /** Batches of this lane that may go before something has to come back. */
  #room(lane: Lane): number {
    const { inFlight, isSilent } = this.#exchange;
    const { batchesInFlightMax, batchesUnsentMax = UNSENT_MAX } = this.#limits;
    const unsent = batchesUnsentMax - this.#unsent[lane];
    if (isSilent) return Math.min(1, unsent);
    const room = Math.min(unsent, batchesInFlightMax - inFlight.batches);
    if (lane === 'urgent') return room;
    const share = Math.max(1, Math.floor((batchesInFlightMax - Math.ceil(batchesInFlightMax / 8)) / 2));
    return Math.min(room, share - inFlight.batchesOf(lane));
  }
}
