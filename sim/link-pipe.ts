import type { Socket } from 'node:net';
import type { Clock } from '../runtime/clock.ts';
import type { Random } from '../runtime/random.ts';

/** The usual payload of a TCP segment on Ethernet. */
const SEGMENT_BYTES = 1460;
/** Linux's least retransmission timeout, in milliseconds. */
const RETRANSMIT_MS = 200;
/** What a pipe holds before it stops reading: a socket buffer's worth. */
const HELD_BYTES_MAX = 256 * 1024;
/** Bandwidth is kept on average over this time, as timers have whole milliseconds. */
const BURST_MS = 10;

export interface Quality {
  readonly clock: Clock;
  readonly random: Random;
  readonly delayMs: number;
  readonly bytesPerSecond: number | undefined;
  readonly loss: number;
}

/** One direction of a link: what all its pipes share. */
export class Direction {
  readonly clock: Clock;
  readonly #random: Random;
  delayMs: number;
  bytesPerSecond: number | undefined;
  loss: number;
  /** Delivered so far. */
  bytes = 0;
  #isFrozen = false;
  /** When the line is free for the next segment, on the monotonic clock. */
  #freeMs = 0;
  readonly #waiting = new Set<() => void>();

  constructor({ clock, random, delayMs, bytesPerSecond, loss }: Quality) {
    this.clock = clock;
    this.#random = random;
    this.delayMs = delayMs;
    this.bytesPerSecond = bytesPerSecond;
    this.loss = loss;
  }

  freeze(): void {
    this.#isFrozen = true;
  }

  thaw(): void {
    this.#isFrozen = false;
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  /** When something that is sent now arrives, as far as distance and loss decide. */
  arrivalMs(): number {
    let arrivalMs = this.clock.monotonicMs() + this.delayMs;
    while (this.loss > 0 && this.loss < 1 && this.#random.uniform() < this.loss) arrivalMs += RETRANSMIT_MS;
    return arrivalMs;
  }

  /** How long the line is still busy, in milliseconds; Infinity while it is frozen, and then `wake` is called at the thaw. */
  busyMs(wake: () => void): number {
    if (this.#isFrozen) {
      this.#waiting.add(wake);
      return Infinity;
    }
    return this.#freeMs - this.clock.monotonicMs();
  }

  deliver(bytes: number): void {
    this.bytes += bytes;
    if (this.bytesPerSecond === undefined) return;
    const earliestMs = this.clock.monotonicMs() - BURST_MS;
    this.#freeMs = Math.max(this.#freeMs, earliestMs) + (bytes * 1000) / this.bytesPerSecond;
  }
}

/**
 * Ends a connection by a reset. One that is just sending its end can only be closed: libuv refuses to reset it (EINVAL),
 * and Node 24 leaves it open for ever then.
 */
export function reset(socket: Socket): void {
  if (socket.writableEnded && !socket.writableFinished) socket.destroy();
  else socket.resetAndDestroy();
}

interface Item {
  /** Bytes, the sender's FIN, or the sender's end, with or without an error. */
  readonly what: Buffer | 'fin' | 'closed' | 'broken';
  readonly arrivalMs: number;
}

/** The bytes of one connection in one direction, in order, as late as the direction makes them. */
export class Pipe {
  readonly #direction: Direction;
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #held: Item[] = [];
  #heldBytes = 0;
  #cancel: (() => void) | undefined;
  #isBlocked = false;

  constructor(direction: Direction, from: Socket, to: Socket) {
    this.#direction = direction;
    this.#from = from;
    this.#to = to;
  }

  start(): void {
    this.#from.on('data', (bytes: Buffer) => this.#take(bytes));
    this.#from.once('end', () => this.#hold('fin'));
    this.#from.once('close', (hadError) => this.#hold(hadError ? 'broken' : 'closed'));
    this.#to.on('drain', () => {
      this.#isBlocked = false;
      this.#deliver();
    });
  }

  #take(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; at += SEGMENT_BYTES) this.#hold(bytes.subarray(at, at + SEGMENT_BYTES));
    if (this.#heldBytes > HELD_BYTES_MAX) this.#from.pause();
  }

  #hold(what: Item['what']): void {
    this.#held.push({ what, arrivalMs: this.#direction.arrivalMs() });
    if (Buffer.isBuffer(what)) this.#heldBytes += what.length;
    this.#deliver();
  }

  /** Hands over what has arrived, and sets a timer for the next. */
  #deliver(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    for (let item = this.#held[0]; item !== undefined && !this.#isBlocked; item = this.#held[0]) {
      const busyMs = this.#direction.busyMs(this.#onThaw);
      if (busyMs === Infinity) return;
      const waitMs = Math.max(busyMs, item.arrivalMs - this.#direction.clock.monotonicMs());
      if (waitMs > 0) {
        this.#cancel = this.#direction.clock.after(Math.ceil(waitMs), () => this.#deliver());
        return;
      }
      this.#held.shift();
      this.#handOver(item.what);
    }
    if (this.#heldBytes <= HELD_BYTES_MAX / 2 && this.#from.isPaused()) this.#from.resume();
  }

  readonly #onThaw = (): void => this.#deliver();

  #handOver(what: Item['what']): void {
    if (what === 'fin') this.#to.end();
    else if (what === 'closed') this.#to.destroySoon();
    else if (what === 'broken') reset(this.#to);
    else {
      this.#heldBytes -= what.length;
      if (!this.#to.writable) return;
      this.#direction.deliver(what.length);
      this.#isBlocked = !this.#to.write(what);
    }
  }
}
