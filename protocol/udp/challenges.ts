import { NONCE_BYTES } from './frames.ts';
import type { RandomBytes } from './seal.ts';

/** A nonce is worth something for so long: longer than any round trip. */
const LIFE_MS = 60_000;
/** The least time between two challenges of one process. */
const INTERVAL_MS = 200;
/** Processes of one gateway that may be challenged at once; beyond it the oldest challenge is forgotten. */
const CHALLENGES_MAX = 64;
/** Challenges of one gateway: so many at once, and so many a second. */
const BURST = 64;
const PER_SECOND = 32;

interface Pending {
  readonly nonce: Uint8Array;
  readonly endsMs: number;
  readonly notBeforeMs: number;
}

/**
 * The challenges of one gateway that wait for their echo, by the salt of the process. Each nonce is random and good for one
 * echo. Bounded in number and in rate: a flood of recorded datagrams costs no more than that.
 */
export class Challenges {
  readonly #random: RandomBytes;
  readonly #bySalt = new Map<string, Pending>();
  #allowance = BURST;
  #allowedMs = Number.NEGATIVE_INFINITY;

  constructor(random: RandomBytes) {
    this.#random = random;
  }

  /** The nonce to challenge this process with now, or undefined where that would be too many. */
  issue(salt: string, nowMs: number): Uint8Array | undefined {
    const pending = this.#bySalt.get(salt);
    if (pending !== undefined && nowMs < pending.notBeforeMs) return undefined;
    if (!this.#allow(nowMs)) return undefined;
    // Another nonce each time would make the echo that is on its way void.
    const isAlive = pending !== undefined && nowMs < pending.endsMs;
    const nonce = isAlive ? pending.nonce : this.#random.bytes(NONCE_BYTES);
    const endsMs = isAlive ? pending.endsMs : nowMs + LIFE_MS;
    this.#bySalt.delete(salt);
    this.#bySalt.set(salt, { nonce, endsMs, notBeforeMs: nowMs + INTERVAL_MS });
    for (const oldest of this.#bySalt.keys()) {
      if (this.#bySalt.size <= CHALLENGES_MAX) break;
      this.#bySalt.delete(oldest);
    }
    return nonce;
  }

  /** Is this the echo of a challenge that is still good? It is good no longer, then. */
  redeem(salt: string, nonce: Uint8Array, nowMs: number): boolean {
    const pending = this.#bySalt.get(salt);
    if (pending === undefined || nowMs >= pending.endsMs || Buffer.compare(pending.nonce, nonce) !== 0) return false;
    this.#bySalt.delete(salt);
    return true;
  }

  #allow(nowMs: number): boolean {
    const elapsedMs = Math.min(nowMs - this.#allowedMs, 1000 * BURST);
    this.#allowance = Math.min(BURST, this.#allowance + (elapsedMs / 1000) * PER_SECOND);
    this.#allowedMs = nowMs;
    if (this.#allowance < 1) return false;
    this.#allowance -= 1;
    return true;
  }
}
