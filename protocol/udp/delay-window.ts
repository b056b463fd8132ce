const WINDOW = { first: 8, min: 2, max: 256 } as const;
/** A trip that is longer than the shortest by so much waited in a queue; receipts alone may wait for 25 ms. */
const INFLATION = { factor: 1.25, slackMs: 30 } as const;
const GROWTH = { startup: 2, later: 1.125 } as const;
const SHRINK = 0.75;
/** Losses that no mast and no sea explains: somebody on the way throws away what goes too fast. */
const LOSS_SHARE_MAX = 0.5;
const LOSSES_COUNT_MIN = 8;
/** The shortest trip is forgotten after one to two of these: paths change. */
const MEMORY_MS = 30_000;
/** Faster than its window says, so that the window and not the pace bounds; and a burst that a coarse timer makes good. */
const PACE = { startup: 2, later: 1.25, burstMs: 2 } as const;

/**
 * How many datagrams may be under way, and how fast they leave. Radio links lose at random, so loss alone slows nothing
 * down; a queue that builds up does (delay-based, after TCP Vegas, Brakmo and Peterson 1994), and so does silence.
 */
export class DelayWindow {
  #window: number = WINDOW.first;
  #isStartup = true;
  #round = emptyRound(Number.NEGATIVE_INFINITY);
  #skipsRound = false;
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

  /** One datagram leaves now, and makes `inFlight` of them. */
  sent(inFlight: number, smoothedMs: number | undefined, nowMs: number): void {
    if (inFlight >= this.#window * 0.75) this.#round.isFull = true;
    if (smoothedMs === undefined) return;
    const intervalMs = smoothedMs / this.#window / (this.#isStartup ? PACE.startup : PACE.later);
    this.#nextSendMs = Math.max(this.#nextSendMs, nowMs - PACE.burstMs) + intervalMs;
  }

  /** So many were taken, the newest of them after `tripMs` where that is known. Ends a round when its time has come. */
  taken(count: number, tripMs: number | undefined, smoothedMs: number | undefined, nowMs: number): void {
    this.#round.taken += count;
    if (tripMs !== undefined) {
      this.#remember(tripMs, nowMs);
      this.#round.shortestMs = Math.min(this.#round.shortestMs, tripMs);
    }
    if (smoothedMs === undefined || nowMs < this.#round.endsMs) return;
    this.#adjust();
    this.#round = emptyRound(nowMs + smoothedMs);
  }

  lost(count: number): void {
    this.#round.lost += count;
  }

  /** Nothing at all has come back for a whole time-out. */
  silent(): void {
    this.#window = Math.max(WINDOW.min, this.#window / 2);
    this.#isStartup = false;
  }

  #adjust(): void {
    const { shortestMs, taken, lost, isFull } = this.#round;
    const limitMs = (this.shortestMs ?? 0) * INFLATION.factor + INFLATION.slackMs;
    const isQueued = shortestMs !== Number.POSITIVE_INFINITY && shortestMs > limitMs;
    const isPoliced = taken + lost >= LOSSES_COUNT_MIN && lost > LOSS_SHARE_MAX * (taken + lost);
    // What a smaller window does is only seen a round later.
    if (this.#skipsRound) this.#skipsRound = false;
    else if (isQueued || isPoliced) {
      this.#window = Math.max(WINDOW.min, this.#window * SHRINK);
      this.#isStartup = false;
      this.#skipsRound = true;
    } else if (isFull) {
      const grown = Math.max(this.#window + 1, this.#window * (this.#isStartup ? GROWTH.startup : GROWTH.later));
      this.#window = Math.min(WINDOW.max, grown);
    }
  }

  #remember(tripMs: number, nowMs: number): void {
    if (nowMs >= this.#memoryEndsMs) {
      this.#shortestBeforeMs = this.#shortestMs;
      this.#shortestMs = tripMs;
      this.#memoryEndsMs = nowMs + MEMORY_MS;
    }
    this.#shortestMs = Math.min(this.#shortestMs, tripMs);
  }
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
