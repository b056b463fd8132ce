import assert from 'node:assert/strict';
import type { MooringError } from '../../../runtime/errors.ts';
import type { KafkaMessage } from './client.ts';

/** Messages that are to be made durable together: all of one partition of one topic. */
export interface Produce {
  readonly messages: readonly KafkaMessage[];
  /** Bytes of each one's value in UTF-8. */
  readonly sizes: readonly number[];
  /** Monotonic time at which whoever asks gives up, in milliseconds. */
  readonly deadlineMs: number;
}

/** What became of them. Those that are not refused are durable. */
export interface ProduceOutcome {
  /** Offsets between which they are, both included; others may be there too. Undefined where every one was refused. */
  readonly span: { readonly first: number; readonly last: number } | undefined;
  readonly refused: readonly RefusedMessage[];
}

export interface RefusedMessage {
  readonly index: number;
  /** More than the topic takes; otherwise the broker said no, whatever its reason. */
  readonly isTooLarge: boolean;
}

/** Some messages of a request. */
export interface Slice {
  readonly request: ProduceRequest;
  readonly from: number;
  /** Not included. */
  readonly to: number;
  /** Its broker refused a send with it: it goes without company, to be told from others. */
  readonly isAlone: boolean;
}

/** A request on its way: answered once, when each of its messages is either durable or refused. */
export class ProduceRequest {
  readonly messages: readonly KafkaMessage[];
  readonly sizes: readonly number[];
  readonly topic: string;
  readonly place: string;
  deadlineMs: number;
  readonly #resolve: (outcome: ProduceOutcome) => void;
  readonly #reject: (error: Error) => void;
  readonly #refused: RefusedMessage[] = [];
  #left: number;
  #first = Number.POSITIVE_INFINITY;
  #last = -1;
  #isSettled = false;

  constructor(
    { messages, sizes, deadlineMs }: Produce,
    resolve: (outcome: ProduceOutcome) => void,
    reject: (error: Error) => void,
  ) {
    const [first] = messages;
    assert(first !== undefined && messages.length === sizes.length, 'there is something, with its size');
    this.messages = messages;
    this.sizes = sizes;
    this.topic = first.topic;
    this.place = placeOf(first);
    this.deadlineMs = deadlineMs;
    this.#left = messages.length;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  produced(count: number, offset: number): void {
    this.#first = Math.min(this.#first, offset);
    this.#last = Math.max(this.#last, offset + count - 1);
    this.#done(count);
  }

  refused(index: number, isTooLarge: boolean): void {
    this.#refused.push({ index, isTooLarge });
    this.#done(1);
  }

  fail(error: MooringError | Error): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#reject(error);
  }

  #done(count: number): void {
    this.#left -= count;
    assert(this.#left >= 0, 'no message is answered twice');
    if (this.#left > 0 || this.#isSettled) return;
    this.#isSettled = true;
    const span = this.#last < 0 ? undefined : { first: this.#first, last: this.#last };
    this.#resolve({ span, refused: this.#refused.sort((a, b) => a.index - b.index) });
  }
}

/** Topic and partition, as a key of maps. */
export function placeOf({ topic, partition }: { readonly topic: string; readonly partition: number }): string {
  return `${topic}/${partition}`;
}
