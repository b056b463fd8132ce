import assert from 'node:assert/strict';
import type { ConsumedMessage } from '../../recordlog/kafka/client.ts';

/** What one message costs beside its value, roughly: its objects. */
const OVERHEAD_BYTES = 256;

/** Messages of one partition, in order. */
export interface Slice {
  readonly messages: readonly ConsumedMessage[];
  readonly bytes: number;
  /** The offset that follows them. */
  readonly next: number;
}

/** What one write is about: slices by partition. Those that are revoked meanwhile vanish from it. */
export type Taken = ReadonlyMap<number, Slice>;

/** Messages that are read and not yet written, and their weight. */
export class Backlog {
  #waiting = new Map<number, ConsumedMessage[]>();
  #taken = new Map<number, Slice>();
  #bytes = 0;

  /** Of everything that is not written yet. */
  get bytes(): number {
    return this.#bytes;
  }

  add(partition: number, messages: readonly ConsumedMessage[]): void {
    const queue = this.#waiting.get(partition) ?? [];
    this.#waiting.set(partition, queue);
    for (const message of messages) queue.push(message);
    this.#bytes += bytesOf(messages);
  }

  /** All that waits; undefined where nothing does. To be settled before the next is taken. */
  take(): Taken | undefined {
    assert(this.#taken.size === 0, 'one after the other');
    if (this.#waiting.size === 0) return undefined;
    this.#taken = new Map([...this.#waiting].map(([partition, messages]) => [partition, sliceOf(messages)]));
    this.#waiting = new Map();
    return this.#taken;
  }

  /** What was taken is written, as far as nobody has taken it away. Returns the offsets that follow, by partition. */
  settle(): ReadonlyMap<number, number> {
    const next = new Map([...this.#taken].map(([partition, slice]) => [partition, slice.next]));
    for (const { bytes } of this.#taken.values()) this.#bytes -= bytes;
    this.#taken.clear();
    return next;
  }

  /** Nothing of a partition is to be written any more. */
  forget(partition: number): void {
    this.#bytes -= bytesOf(this.#waiting.get(partition) ?? []) + (this.#taken.get(partition)?.bytes ?? 0);
    this.#waiting.delete(partition);
    this.#taken.delete(partition);
  }
}

function sliceOf(messages: readonly ConsumedMessage[]): Slice {
  const last = messages.at(-1);
  assert(last !== undefined, 'no queue is empty');
  return { messages, bytes: bytesOf(messages), next: last.offset + 1 };
}

function bytesOf(messages: readonly ConsumedMessage[]): number {
  return messages.reduce((sum, { value }) => sum + value.length + OVERHEAD_BYTES, 0);
}
