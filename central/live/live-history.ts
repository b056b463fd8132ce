import type { LiveMessage } from './live-message.ts';

export interface LiveHistoryOptions {
  /** How long a message is kept, in milliseconds. */
  readonly durationMs: number;
  readonly bytesMax: number;
  /** It is about to be forgotten. */
  readonly onForgotten: (position: number, message: LiveMessage) => void;
}

interface Kept {
  readonly message: LiveMessage;
  readonly atMs: number;
}

/** What one message costs beside its bytes, roughly: its record as an object. */
const OVERHEAD = 3;

/** The newest messages, each with a position that counts up for ever. Bounded by time and by bytes. */
export class LiveHistory {
  readonly #options: LiveHistoryOptions;
  readonly #kept = new Map<number, Kept>();
  #first = 0;
  #end = 0;
  #bytes = 0;

  constructor(options: LiveHistoryOptions) {
    this.#options = options;
  }

  /** Position of the oldest message that is kept. */
  get first(): number {
    return this.#first;
  }

  /** Position that the next message will have. */
  get end(): number {
    return this.#end;
  }

  /** Of what is kept, as memory holds it, roughly. */
  get bytes(): number {
    return this.#bytes;
  }

  at(position: number): LiveMessage | undefined {
    return this.#kept.get(position)?.message;
  }

  /** @param nowMs of a clock that nobody sets */
  add(message: LiveMessage, nowMs: number): void {
    this.#kept.set(this.#end, { message, atMs: nowMs });
    this.#end += 1;
    this.#bytes += costOf(message);
    this.forget(nowMs);
  }

  /** Lets go of what is too old, or too much. */
  forget(nowMs: number): void {
    const { durationMs, bytesMax, onForgotten } = this.#options;
    for (let oldest = this.#kept.get(this.#first); oldest !== undefined; oldest = this.#kept.get(this.#first)) {
      if (nowMs - oldest.atMs <= durationMs && this.#bytes <= bytesMax) return;
      onForgotten(this.#first, oldest.message);
      this.#kept.delete(this.#first);
      this.#first += 1;
      this.#bytes -= costOf(oldest.message);
    }
  }
}

function costOf({ bytes }: LiveMessage): number {
  return bytes.length * OVERHEAD;
}
