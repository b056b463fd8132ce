import type { Clock } from '../../runtime/clock.ts';
import type { LiveHistory } from './live-history.ts';
import type { LiveMessage } from './live-message.ts';

/** A connection, as far as it is written to. */
export interface LiveSocket {
  /** Bytes that were sent and have not left this process. */
  readonly bufferedAmount: number;
  /** `onLeft`: it has left this process, or never will. */
  send(text: Uint8Array, onLeft: () => void): void;
}

export interface LiveClientOptions {
  readonly socket: LiveSocket;
  readonly history: LiveHistory;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  /** Bytes that may wait for this client: in its connection, and again behind that once it has had the history. */
  readonly queueBytes: number;
  /** What of a message it is sent; undefined: nothing. */
  readonly bytesOf: (message: LiveMessage) => Uint8Array | undefined;
  /** What it is told when so many messages were left out; undefined where its protocol has no word for that. */
  readonly droppedOf: (count: number) => Uint8Array | undefined;
}

/** A client that reads may be behind by more for so long, in milliseconds: records come many at once. */
const PATIENCE_MS = 1000;

/**
 * One client: a position in the history, which all share. What it costs by itself is what waits in its connection, which
 * is bounded: a client that does not read falls behind, loses what is beyond its bound, and is told how much.
 */
export class LiveClient {
  readonly #options: LiveClientOptions;
  #position: number;
  /** Bytes of its own messages between its position and the end, once it has been there. */
  #waitingBytes: number | undefined;
  /** Since when it has been behind by more than it may. */
  #behindMs: number | undefined;
  #dropped = 0;
  #droppedEver = 0;
  #isWaiting = false;

  constructor(options: LiveClientOptions) {
    this.#options = options;
    this.#position = options.history.first;
  }

  get droppedEver(): number {
    return this.#droppedEver;
  }

  /** A message that was just added to the history. */
  added(message: LiveMessage): void {
    if (this.#waitingBytes === undefined) return;
    this.#waitingBytes += this.#options.bytesOf(message)?.length ?? 0;
    if (this.#waitingBytes <= this.#options.queueBytes) return;
    const nowMs = this.#options.clock.monotonicMs();
    this.#behindMs ??= nowMs;
    if (nowMs - this.#behindMs >= PATIENCE_MS) this.#skip();
  }

  /** A message that is about to leave the history. */
  forgotten(position: number, message: LiveMessage): void {
    if (position !== this.#position) return;
    this.#position += 1;
    this.#leaveOut(message);
  }

  /** Sends what there is, as far as the connection takes it. */
  pump(): void {
    const { socket, history, queueBytes, bytesOf } = this.#options;
    while (this.#position < history.end && socket.bufferedAmount < queueBytes) {
      this.#tellDropped();
      const message = history.at(this.#position);
      this.#position += 1;
      const bytes = message === undefined ? undefined : bytesOf(message);
      if (bytes === undefined) continue;
      this.#send(bytes);
      if (this.#waitingBytes !== undefined) this.#waitingBytes -= bytes.length;
    }
    if (this.#position < history.end) return;
    this.#waitingBytes = 0;
    if (socket.bufferedAmount === 0) this.#behindMs = undefined;
    if (socket.bufferedAmount < queueBytes) this.#tellDropped();
  }

  /** What waits behind the connection is no live feed any more. */
  #skip(): void {
    const { history } = this.#options;
    for (; this.#position < history.end; this.#position += 1) {
      const message = history.at(this.#position);
      if (message !== undefined) this.#leaveOut(message);
    }
    this.#waitingBytes = 0;
  }

  #leaveOut(message: LiveMessage): void {
    const bytes = this.#options.bytesOf(message);
    if (bytes === undefined) return;
    this.#dropped += 1;
    this.#droppedEver += 1;
    if (this.#waitingBytes !== undefined) this.#waitingBytes -= bytes.length;
  }

  #tellDropped(): void {
    if (this.#dropped === 0) return;
    const told = this.#options.droppedOf(this.#dropped);
    this.#dropped = 0;
    if (told !== undefined) this.#send(told);
  }

  #send(bytes: Uint8Array): void {
    this.#options.socket.send(bytes, () => this.#left());
  }

  /** Once for all that have left in this turn. */
  #left(): void {
    if (this.#isWaiting || (this.#position >= this.#options.history.end && this.#dropped === 0)) return;
    this.#isWaiting = true;
    queueMicrotask(() => {
      this.#isWaiting = false;
      this.pump();
    });
  }
}
