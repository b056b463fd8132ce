import assert from 'node:assert/strict';
import type { Clock } from '../runtime/clock.ts';
import type { Random } from '../runtime/random.ts';

/** How bad one way of a link is. Chances are between 0 and 1. */
export interface DatagramQuality {
  /** In milliseconds. */
  readonly delayMs: number;
  /** Up to so much more, in milliseconds: what is sent later may come earlier. */
  readonly jitterMs: number;
  readonly loss: number;
  readonly duplication: number;
  /** Chance that a bit is turned over. */
  readonly corruption: number;
  /** Undefined: unlimited. */
  readonly bytesPerSecond: number | undefined;
}

const PERFECT: DatagramQuality = {
  delayMs: 0,
  jitterMs: 0,
  loss: 0,
  duplication: 0,
  corruption: 0,
  bytesPerSecond: undefined,
};
/** IPv4's and UDP's headers, which take their time on a line too. */
const HEADER_BYTES = 28;
/** What waits longer than this for a slow line does not fit into its buffer any more, in milliseconds. */
const QUEUE_MS = 500;
/** What is held back while frozen. */
const HELD_BYTES_MAX = 256 * 1024;

type Deliver = (datagram: Uint8Array) => void;

/** One way of a link for datagrams: loses, doubles, damages, delays and reorders them, by chance from what is handed in. */
export class DatagramDirection {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #timers = new Set<() => void>();
  #quality: DatagramQuality;
  #held: { readonly datagram: Uint8Array; readonly deliver: Deliver }[] | undefined;
  #heldBytes = 0;
  /** When the line is free for the next, on the monotonic clock. */
  #freeMs = Number.NEGATIVE_INFINITY;
  isCut = false;
  /** Delivered so far. */
  datagrams = 0;
  bytes = 0;
  lost = 0;

  constructor(clock: Clock, random: Random, quality: Partial<DatagramQuality>) {
    this.#clock = clock;
    this.#random = random;
    this.#quality = { ...PERFECT, ...quality };
  }

  setQuality(quality: Partial<DatagramQuality>): void {
    const { bytesPerSecond } = quality;
    assert(bytesPerSecond === undefined || bytesPerSecond > 0, 'a link of no bandwidth is one that is cut');
    this.#quality = { ...PERFECT, ...quality };
  }

  freeze(): void {
    this.#held ??= [];
  }

  thaw(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    this.#heldBytes = 0;
    for (const { datagram, deliver } of held) this.#arrive(datagram, deliver);
  }

  /** Delivers a datagram never, once or twice. */
  carry(datagram: Uint8Array, deliver: Deliver): void {
    const { loss, duplication } = this.#quality;
    const copies = this.#random.uniform() < duplication ? 2 : 1;
    for (let copy = 0; copy < copies; copy += 1) {
      const queuedMs = this.#queuedMs(datagram.length);
      if (this.isCut || this.#random.uniform() < loss || queuedMs > QUEUE_MS) this.lost += 1;
      else this.#later(this.#transitMs() + queuedMs, this.#damaged(datagram), deliver);
    }
  }

  /** Nothing is delivered any more. */
  close(): void {
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
    this.isCut = true;
  }

  #transitMs(): number {
    return this.#quality.delayMs + this.#random.uniform() * this.#quality.jitterMs;
  }

  /** How long it waits for those before it, and how long the line is busy with it, in milliseconds. */
  #queuedMs(bytes: number): number {
    const { bytesPerSecond } = this.#quality;
    if (bytesPerSecond === undefined) return 0;
    const nowMs = this.#clock.monotonicMs();
    const doneMs = Math.max(this.#freeMs, nowMs) + ((bytes + HEADER_BYTES) * 1000) / bytesPerSecond;
    if (doneMs - nowMs <= QUEUE_MS) this.#freeMs = doneMs;
    return doneMs - nowMs;
  }

  #damaged(datagram: Uint8Array): Uint8Array {
    const bytes = Uint8Array.from(datagram);
    if (this.#random.uniform() < this.#quality.corruption && bytes.length > 0) {
      const index = Math.floor(this.#random.uniform() * bytes.length);
      bytes[index] = (bytes[index] ?? 0) ^ (1 << Math.floor(this.#random.uniform() * 8));
    }
    return bytes;
  }

  #later(waitMs: number, datagram: Uint8Array, deliver: Deliver): void {
    if (waitMs <= 0) {
      this.#arrive(datagram, deliver);
      return;
    }
    const cancel = this.#clock.after(waitMs, () => {
      this.#timers.delete(cancel);
      this.#arrive(datagram, deliver);
    });
    this.#timers.add(cancel);
  }

  #arrive(datagram: Uint8Array, deliver: Deliver): void {
    if (this.#held !== undefined) {
      this.#hold(datagram, deliver);
      return;
    }
    this.datagrams += 1;
    this.bytes += datagram.length;
    deliver(datagram);
  }

  #hold(datagram: Uint8Array, deliver: Deliver): void {
    if (this.#heldBytes + datagram.length > HELD_BYTES_MAX) {
      this.lost += 1;
      return;
    }
    this.#heldBytes += datagram.length;
    this.#held?.push({ datagram, deliver });
  }
}
