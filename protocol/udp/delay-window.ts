const WINDOW = { first: 8, min: 2, max: 256 } as const;
/**
 * What may stand in queues on the way: a quarter of the window, so that a slow modem does not hold alarms back, but two to
 * eight full datagrams. In bytes, so that small acknowledgements do not starve beside the batches that they answer.
 */
const QUEUED = { share: 0.25, minBytes: 2400, maxBytes: 9600 } as const;
/** Of a datagram beside its message: header, seal, IP. */
const OVERHEAD_BYTES = 100;
/** What a trip may be longer than the shortest without any queue: timers are coarse, and radio links jitter. */
const SLACK = { minMs: 5, share: 0.25 } as const;
/**
 * A trip that is longer by no more than this may as well have waited for a busy process at either end, which is no queue on
 * the way (LEDBAT aims at up to 100 ms, RFC 6817 section 3.3). Until so many bytes are under way, which nearly any
 * router has room for, it does not count while nothing gets lost.
 */
const BUSY = { maxMs: 60, bytes: 19_200 } as const;
/** Losses that no mast and no sea explains: somebody on the way throws away what goes too fast. */
const LOSS_SHARE_MAX = 0.6;
const COUNTED_MIN = 16;
const LOSSY_SHRINK = 0.75;
/** The shortest trip is forgotten after one to two of these, as paths change; then half a window lets the queue run dry. */
const MEMORY_MS = 30_000;
/**
 * Faster than the window says, so that it and not the pace bounds; and a burst that makes a coarse timer good, or a process
 * that was busy for so much of a window: never more than the ten that RFC 9002 section 7.7 lets go at once.
 */
const PACE = { startup: 2, later: 1.25, burstMs: 2, burstShare: 0.25, burstMax: 10 } as const;

/**
 * How many datagrams may be under way, and how fast they leave. Radio links lose at random, so loss alone slows nothing
 * down; a queue that builds up does, and so does silence. Delay-based, after FAST TCP (Wei, Jin, Low and Hegde 2006): the
 * window tends to where a few datagrams of its own stand in queues.
 */
export class DelayWindow {
  #window: number = WINDOW.first;
  #isStartup = true;
  #round = emptyRound(Number.NEGATIVE_INFINITY);
  /** What the window was before it was halved to let a queue run dry. */
  #restored: number | undefined;
  #meanBytes = 1200;
  #shortestMs = Number.POSITIVE_INFINITY;
  #shortestBeforeMs = Number.POSITIVE_INFINITY;
  #memoryEndsMs = Number.NEGATIVE_INFINITY;
  #nextSendMs = Number.NEGATIVE_INFINITY;

  /** Datagrams that may be under way. */
  get size(): number {
    return Math.floor(this.#window);
  }

  /** The shortest trip in memory; undefined before the first. */
  get shortestMs(): number | undefined {
    const shortestMs = Math.min(this.#shortestMs, this.#shortestBeforeMs);
    return shortestMs === Number.POSITIVE_INFINITY ? undefined : shortestMs;
  }

  /** When the next datagram may leave. */
  get nextSendMs(): number {
    return this.#nextSendMs;
  }

  /** A message of so many bytes leaves now, and makes `inFlight` of them. */
  sent(messageBytes: number, inFlight: number, smoothedMs: number | undefined, nowMs: number): void {
    this.#meanBytes += (messageBytes + OVERHEAD_BYTES - this.#meanBytes) / 16;
    if (inFlight >= this.size * 0.75) this.#round.isFull = true;
    if (smoothedMs === undefined) return;
    const intervalMs = smoothedMs / this.#window / (this.#isStartup ? PACE.startup : PACE.later);
    // What left out of its turn puts nothing off: intervals of a time in which trips were long would add up.
    const turnMs = Math.min(nowMs, this.#nextSendMs);
    const burst = Math.min(PACE.burstMax, this.#window * PACE.burstShare);
    this.#nextSendMs = Math.max(turnMs, nowMs - Math.max(PACE.burstMs, burst * intervalMs)) + intervalMs;
  }

  /** So many were taken, the newest of them after `tripMs` where that is known. Ends a round when its time has come. */
  taken(count: number, tripMs: number | undefined, trip: TripEstimate, nowMs: number): void {
    const { smoothedMs } = trip;
    this.#round.taken += count;
    if (tripMs !== undefined) {
      this.#remember(tripMs, nowMs);
      this.#round.shortestMs = Math.min(this.#round.shortestMs, tripMs);
    }
    if (smoothedMs === undefined || nowMs < this.#round.endsMs) return;
    this.#adjust(trip.deviationMs);
    this.#round = emptyRound(nowMs + smoothedMs);
    if (nowMs < this.#memoryEndsMs) return;
    this.#memoryEndsMs = nowMs + MEMORY_MS;
    this.#shortestBeforeMs = this.#shortestMs;
    this.#shortestMs = Number.POSITIVE_INFINITY;
    this.#restored = this.#window;
    this.#resize(this.#window / 2);
  }

  lost(count: number): void {
    this.#round.lost += count;
  }

  /** Nothing at all has come back for more than one time-out. */
  silent(): void {
    this.#resize(this.#window / 2);
    this.#restored = undefined;
    this.#isStartup = false;
  }

  #adjust(deviationMs: number): void {
    const { shortestMs, taken, lost, isFull } = this.#round;
    if (this.#restored !== undefined) {
      this.#resize(this.#restored);
      this.#restored = undefined;
      return;
    }
    if (taken + lost >= COUNTED_MIN && lost > LOSS_SHARE_MAX * (taken + lost)) {
      this.#isStartup = false;
      this.#resize(this.#window * LOSSY_SHRINK);
      return;
    }
    if (shortestMs === Number.POSITIVE_INFINITY) return;
    const memorableMs = this.shortestMs ?? shortestMs;
    const emptyMs = memorableMs + Math.max(SLACK.minMs, Math.min(deviationMs, memorableMs * SLACK.share));
    const unqueued = this.#window * Math.min(1, emptyMs / shortestMs);
    const [least, most] = [QUEUED.minBytes / this.#meanBytes, QUEUED.maxBytes / this.#meanBytes];
    const queuedMax = Math.max(least, Math.min(most, this.#window * QUEUED.share));
    if (this.#window - unqueued > queuedMax) this.#isStartup = false;
    // A round may be far shorter than a trip that has just begun to queue: what was taken tells how far it is.
    const doubled = this.#window + Math.min(this.#window, taken);
    const unhurried = this.#isStartup ? doubled : (this.#window + unqueued + queuedMax) / 2;
    const isBusy = lost === 0 && shortestMs <= memorableMs + BUSY.maxMs;
    const wanted = isBusy ? Math.max(unhurried, Math.min(this.#window + 1, BUSY.bytes / this.#meanBytes)) : unhurried;
    if (isFull || wanted < this.#window) this.#resize(wanted);
  }

  #resize(window: number): void {
    this.#window = Math.max(WINDOW.min, Math.min(WINDOW.max, window));
  }

  #remember(tripMs: number, nowMs: number): void {
    if (this.#memoryEndsMs === Number.NEGATIVE_INFINITY) this.#memoryEndsMs = nowMs + MEMORY_MS;
    this.#shortestMs = Math.min(this.#shortestMs, tripMs);
  }
}

export interface TripEstimate {
  readonly smoothedMs: number | undefined;
  readonly deviationMs: number;
}

/** What is learned within about one round trip. */
interface Round {
  readonly endsMs: number;
  shortestMs: number;
  taken: number;
  lost: number;
  /** The window, and not want of messages, was the bound. */
  isFull: boolean;
}

function emptyRound(endsMs: number): Round {
  return { endsMs, shortestMs: Number.POSITIVE_INFINITY, taken: 0, lost: 0, isFull: false };
}
