import assert from 'node:assert/strict';
import { MooringError } from '../../../runtime/errors.ts';
import type { ConsumedMessage } from '../../recordlog/kafka/client.ts';
import type { Taken } from './backlog.ts';
import type { PoisonLetter } from './poison-letters.ts';
import type { FeedTarget, RefusedItem } from './target.ts';

interface Entry<Item> {
  readonly item: Item;
  readonly partition: number;
  readonly message: ConsumedMessage;
}

interface Part<Item> {
  entries: readonly Entry<Item>[];
  /** Those that are not in the dead letter yet. */
  readonly letters: PoisonLetter[];
}

/** What one write is about, as its target takes it. What the target cannot read or refuses becomes a letter. */
export class Batch<Item> {
  readonly #topic: string;
  readonly #sink: string;
  readonly #parts = new Map<number, Part<Item>>();
  /** As they were given out last. */
  #given: readonly Entry<Item>[] = [];

  constructor(target: FeedTarget<Item>, topic: string, taken: Taken) {
    this.#topic = topic;
    this.#sink = target.name;
    for (const [partition, { messages }] of taken) this.#parts.set(partition, this.#read(target, partition, messages));
  }

  /** What is to be written of some partitions. */
  items(partitions: Iterable<number>): readonly Item[] {
    this.#given = [...partitions].flatMap((partition) => this.#partOf(partition).entries);
    return this.#given.map(({ item }) => item);
  }

  /** The target will never take these of those that were given out last: they are letters from now on. */
  refuse(refused: readonly RefusedItem[]): void {
    if (refused.length === 0) return;
    const gone = new Set<Entry<Item>>();
    for (const { index, reason } of refused) {
      const entry = this.#given[index];
      assert(entry !== undefined, 'refused is what was given');
      if (gone.has(entry)) continue;
      gone.add(entry);
      this.#partOf(entry.partition).letters.push(this.#letterOf(entry.partition, entry.message, reason));
    }
    for (const part of this.#parts.values()) part.entries = part.entries.filter((entry) => !gone.has(entry));
  }

  /** Of a partition; what is in the dead letter is to be taken out. */
  letters(partition: number): PoisonLetter[] {
    return this.#partOf(partition).letters;
  }

  #read(target: FeedTarget<Item>, partition: number, messages: readonly ConsumedMessage[]): Part<Item> {
    const entries: Entry<Item>[] = [];
    const letters: PoisonLetter[] = [];
    for (const message of messages) {
      try {
        entries.push({ item: target.decode(message.value), partition, message });
      } catch (error) {
        if (!(error instanceof MooringError) || error.code !== 'RECORD_INVALID') throw error;
        letters.push(this.#letterOf(partition, message, error.message));
      }
    }
    return { entries, letters };
  }

  #letterOf(partition: number, { offset, value }: ConsumedMessage, reason: string): PoisonLetter {
    return { topic: this.#topic, partition, offset, sink: this.#sink, value, reason };
  }

  #partOf(partition: number): Part<Item> {
    const part = this.#parts.get(partition);
    assert(part !== undefined, 'it is of this batch');
    return part;
  }
}
