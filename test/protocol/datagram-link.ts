import type { SeededRandom } from '../../runtime/random.ts';

/** How bad the way is, in each direction. Chances are between 0 and 1. */
export interface WayQuality {
  /** One way, in milliseconds. */
  readonly delayMs: number;
  /** Up to so much more: what is sent later may come earlier. */
  readonly jitterMs: number;
  readonly loss: number;
  readonly duplication: number;
  /** Chance that a bit of a datagram is turned over. */
  readonly corruption: number;
  /** Bytes that pass in a second; datagrams queue before that. Infinite where left out. */
  readonly bytesPerSecond?: number;
}

export const CLEAN_WAY: WayQuality = { delayMs: 50, jitterMs: 0, loss: 0, duplication: 0, corruption: 0 };

/** What runs on the time of a `DatagramWorld`. */
export interface Ticking {
  tick(nowMs: number): void;
  nextDueMs(): number;
}

interface Event {
  readonly atMs: number;
  readonly order: number;
  readonly action: () => void;
}

/** Time that goes from event to event, and datagrams that get lost, late, doubled and damaged by chance from a seed. */
export class DatagramWorld {
  readonly #random: SeededRandom;
  #quality: WayQuality;
  #nowMs = 0;
  #order = 0;
  #events: Event[] = [];
  readonly #parts = new Set<Ticking>();
  readonly #freeAtMs = new Map<string, number>();

  constructor(random: SeededRandom, quality: WayQuality = CLEAN_WAY) {
    this.#random = random;
    this.#quality = quality;
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  set quality(quality: WayQuality) {
    this.#quality = quality;
  }

  add(part: Ticking): void {
    this.#parts.add(part);
  }

  remove(part: Ticking): void {
    this.#parts.delete(part);
  }

  after(durationMs: number, action: () => void): void {
    this.#order += 1;
    this.#events.push({ atMs: this.#nowMs + durationMs, order: this.#order, action });
    this.#rise(this.#events.length - 1);
  }

  /** Delivers a datagram as often, as late and as whole as chance has it. */
  carry(way: string, datagram: Uint8Array, deliver: (datagram: Uint8Array) => void): void {
    const { loss, duplication, corruption, delayMs, jitterMs, bytesPerSecond } = this.#quality;
    let queuedMs = 0;
    if (bytesPerSecond !== undefined) {
      const freeAtMs = Math.max(this.#nowMs, this.#freeAtMs.get(way) ?? 0) + (1000 * datagram.length) / bytesPerSecond;
      this.#freeAtMs.set(way, freeAtMs);
      queuedMs = freeAtMs - this.#nowMs;
    }
    if (this.#random.uniform() < loss) return;
    const copies = this.#random.uniform() < duplication ? 2 : 1;
    for (let copy = 0; copy < copies; copy += 1) {
      const arriving = Uint8Array.from(datagram);
      if (this.#random.uniform() < corruption) {
        const at = this.#random.integer(arriving.length);
        arriving[at] = (arriving[at] as number) ^ (1 << this.#random.integer(8));
      }
      this.after(queuedMs + delayMs + this.#random.uniform() * jitterMs, () => deliver(arriving));
    }
  }

  /** Lets time pass until `isDone`, at most `durationMs`; tells whether it was. */
  run(durationMs: number, isDone: () => boolean = () => false): boolean {
    const endMs = this.#nowMs + durationMs;
    while (!isDone()) {
      const eventMs = this.#events[0]?.atMs ?? Number.POSITIVE_INFINITY;
      let dueMs = Number.POSITIVE_INFINITY;
      for (const part of this.#parts) dueMs = Math.min(dueMs, part.nextDueMs());
      const nextMs = Math.min(eventMs, dueMs);
      if (nextMs > endMs) {
        this.#nowMs = endMs;
        return isDone();
      }
      this.#nowMs = Math.max(this.#nowMs, nextMs);
      if (eventMs <= dueMs) this.#pop().action();
      else for (const part of this.#parts) part.tick(this.#nowMs);
    }
    return true;
  }

  #rise(from: number): void {
    let at = from;
    while (at > 0) {
      const above = (at - 1) >>> 1;
      if (!isBefore(this.#events[at] as Event, this.#events[above] as Event)) return;
      this.#swap(at, above);
      at = above;
    }
  }

  #pop(): Event {
    const first = this.#events[0] as Event;
    const last = this.#events.pop() as Event;
    if (this.#events.length === 0) return first;
    this.#events[0] = last;
    let at = 0;
    for (;;) {
      let least = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        const event = this.#events[child];
        if (event !== undefined && isBefore(event, this.#events[least] as Event)) least = child;
      }
      if (least === at) return first;
      this.#swap(at, least);
      at = least;
    }
  }

  #swap(one: number, other: number): void {
    const event = this.#events[one] as Event;
    this.#events[one] = this.#events[other] as Event;
    this.#events[other] = event;
  }
}

function isBefore(one: Event, other: Event): boolean {
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order);
}
