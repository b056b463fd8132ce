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

/** What one write takes at the most. */
export interface WriteLimit {
  readonly records: number;
  /** Of the messages' values. One that is larger by itself is taken alone. */
  readonly bytes: number;
}

const NO_LIMIT: WriteLimit = { records: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY };
const NOTHING: WriteLimit = { records: 0, bytes: 0 };

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

  get isEmpty(): boolean {
    return this.#waiting.size === 0;
  }

  /** Whether what waits is enough for a write of that size. */
  fills({ records, bytes }: WriteLimit): boolean {
    const queues = [...this.#waiting.values()];
    const sum = (of: (queue: readonly ConsumedMessage[]) => number): number =>
      queues.reduce((all, queue) => all + of(queue), 0);
    return sum((queue) => queue.length) >= records || sum(valueBytesOf) >= bytes;
  }

  /**
   * What waits, up to a limit, of which no partition has more than its share while another needs its own; undefined where
   * nothing waits. To be settled before the next is taken.
   */
  take(limit: WriteLimit = NO_LIMIT): Taken | undefined {
    assert(this.#taken.size === 0, 'one after the other');
    if (this.isEmpty) return undefined;
    const counts = this.#countsWithin(limit);
    this.#taken = new Map();
    for (const [partition, queue] of [...this.#waiting]) {
      const count = counts.get(partition) ?? 0;
      if (count === 0) continue;
      this.#taken.set(partition, sliceOf(queue.splice(0, count)));
      // Whoever had nothing comes first the next time, however little room there is.
      this.#waiting.delete(partition);
      if (queue.length > 0) this.#waiting.set(partition, queue);
    }
    return this.#taken;
  }

  /** By partition, how many of the first are to be taken. One of whoever comes next has its place before all others. */
  #countsWithin(limit: WriteLimit): ReadonlyMap<number, number> {
    const counts = new Map<number, number>();
    const [next] = this.#waiting;
    const kept: WriteLimit = { records: 1, bytes: next?.[1][0]?.value.length ?? 0 };
    const room = { records: limit.records - kept.records, bytes: limit.bytes - kept.bytes };
    const fewestFirst = [...this.#waiting].sort(([, a], [, b]) => a.length - b.length);
    for (const [index, [partition, queue]] of fewestFirst.entries()) {
      const left = fewestFirst.length - index;
      const share = { records: Math.ceil(room.records / left), bytes: room.bytes / left };
      const own = partition === next?.[0] ? kept : NOTHING;
      const fitting = firstWithin(queue, { records: share.records + own.records, bytes: share.bytes + own.bytes }, own);
      counts.set(partition, fitting.records);
      room.records -= fitting.records - own.records;
      room.bytes -= fitting.bytes - own.bytes;
    }
    return counts;
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

/** The first that fit, and so many at least. */
function firstWithin(queue: readonly ConsumedMessage[], limit: WriteLimit, least: WriteLimit): WriteLimit {
  let [records, bytes] = [0, 0];
  for (const { value } of queue) {
    const fits = records < limit.records && bytes + value.length <= limit.bytes;
    if (!fits && records >= least.records) break;
    records += 1;
    bytes += value.length;
  }
  return { records, bytes };
}

function valueBytesOf(messages: readonly ConsumedMessage[]): number {
  return messages.reduce((sum, { value }) => sum + value.length, 0);
}

function bytesOf(messages: readonly ConsumedMessage[]): number {
  return messages.reduce((sum, { value }) => sum + value.length + OVERHEAD_BYTES, 0);
}
