import assert from 'node:assert/strict';
import { type Clock, withDeadline } from '../../../runtime/clock.ts';
import { MooringError, toMooringError } from '../../../runtime/errors.ts';
import type { Log } from '../../../runtime/log.ts';
import type { ConsumedMessage, KafkaAdmin, KafkaConsumer, KafkaConsumerOptions } from './client.ts';
import type { GroupMember, GroupMemberEvents, Stretch } from './group-member.ts';
import { startsOf } from './starts.ts';

export interface LastingConsumerOptions {
  readonly consumer: KafkaConsumerOptions;
  /** A new membership. */
  readonly createMember: (events: GroupMemberEvents) => GroupMember;
  /** Owned: closed here. */
  readonly admin: KafkaAdmin;
  readonly clock: Clock;
  readonly log: Log;
}

/** Between two tries to be a member again, or to hear from the broker where to begin. */
const RETRY_MS = 1000;
/** More than each member's own bound. */
const JOIN_MS = 45_000;
/** How often a place is asked for again where something else was read. */
const STRAYS_MAX = 3;

/** A partition that is assigned. */
interface Place {
  /** The offset of the next message; undefined until it is known where to begin. */
  next: number | undefined;
  isPaused: boolean;
  /** Stretches in a row that did not begin at `next`. */
  strays: number;
}

/**
 * A consumer over one membership after the other: it asks where to begin, watches that nothing is left out, and joins
 * again whatever happens to the broker. What no package is trusted with: each would quietly go on elsewhere when the
 * place to read from is gone.
 */
export class LastingConsumer implements KafkaConsumer {
  readonly #options: LastingConsumerOptions;
  readonly #log: Log;
  readonly #closing = new AbortController();
  #member: GroupMember | undefined;
  #places = new Map<number, Place>();
  #rejoining: Promise<void> = Promise.resolve();
  #hasFailed = false;

  constructor(options: LastingConsumerOptions) {
    this.#options = options;
    const { group, topic } = options.consumer;
    this.#log = options.log.child({ group, topic });
  }

  async open(signal: AbortSignal): Promise<void> {
    assert(this.#member === undefined, 'a consumer is opened once');
    signal.throwIfAborted();
    await unlessAborted(signal, this.#join());
  }

  pause(partition: number): void {
    const place = this.#places.get(partition);
    if (place === undefined || place.isPaused) return;
    place.isPaused = true;
    if (place.next !== undefined) this.#member?.pause(partition);
  }

  resume(partition: number): void {
    const place = this.#places.get(partition);
    if (place === undefined || !place.isPaused) return;
    place.isPaused = false;
    if (place.next !== undefined) this.#member?.resume(partition);
  }

  async commit(offsets: ReadonlyMap<number, number>): Promise<void> {
    if (offsets.size === 0) return;
    const foreign = [...offsets.keys()].filter((partition) => !this.#places.has(partition));
    // The broker looks at the membership only, not at what belongs to it.
    if (this.#member === undefined || foreign.length > 0) {
      const context = { reason: 'not_assigned', partitions: foreign };
      throw new MooringError('LOG_FAILED', 'these partitions are not of this consumer now', { context });
    }
    await this.#member.commit(offsets);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#places = new Map();
    await this.#member?.leave();
    await this.#rejoining;
    await this.#options.admin.close();
  }

  /** A new membership in place of the one that there was. Rejects with a `MooringError`. */
  async #join(): Promise<void> {
    const member: GroupMember = this.#options.createMember({
      onAssigned: (partitions) => {
        if (this.#member === member) void this.#begin(partitions);
      },
      onMessages: (partition, stretch, messages) =>
        this.#member === member && this.#deliver(partition, stretch, messages),
      onLost: (error) => {
        if (this.#member === member) this.#lose(toMooringError(error, 'LOG_FAILED', 'the membership was lost'));
      },
    });
    this.#member = member;
    const silent = (): Error =>
      new MooringError('LOG_FAILED', 'Kafka does not let this consumer into its group', {
        context: { reason: 'deadline', withinMs: JOIN_MS },
      });
    try {
      await unlessAborted(this.#closing.signal, withDeadline(this.#options.clock, JOIN_MS, member.join(), silent));
    } catch (error) {
      await this.#leave();
      throw error;
    }
  }

  /** Finds out where each partition begins, and begins; for ever, while the assignment stands. */
  async #begin(partitions: readonly number[]): Promise<void> {
    const places = new Map(
      partitions.map((partition): [number, Place] => [partition, { next: undefined, isPaused: false, strays: 0 }]),
    );
    const revoked = [...this.#places.keys()].filter((partition) => !places.has(partition));
    this.#places = places;
    if (revoked.length > 0) this.#options.consumer.onRevoked(revoked);
    this.#log.debug({ partitions }, 'partitions were assigned');
    for (let tries = 1; partitions.length > 0; tries += 1) {
      let starts: ReadonlyMap<number, number>;
      try {
        starts = await startsOf(this.#options.consumer, this.#options.admin, partitions);
      } catch (error) {
        if (this.#places !== places) return;
        if (!(error instanceof MooringError)) throw error;
        if (error.retry === 'never') {
          this.#fail(error);
          return;
        }
        if (tries === 1) this.#log.warn({ err: error }, 'the log does not say where to begin; asking on');
        await this.#sleep();
        if (this.#places !== places) return;
        continue;
      }
      if (this.#places !== places) return;
      for (const [partition, offset] of starts) this.#beginAt(partition, offset);
      return;
    }
  }

  #beginAt(partition: number, offset: number): void {
    const place = this.#places.get(partition);
    assert(place !== undefined, 'only what is assigned begins');
    place.next = offset;
    this.#member?.read(partition, offset);
    if (place.isPaused) this.#member?.pause(partition);
  }

  /** Our own topics have no holes: they are never compacted, and nobody writes to them in transactions. */
  #deliver(partition: number, { from, to }: Stretch, messages: readonly ConsumedMessage[]): boolean {
    const place = this.#places.get(partition);
    if (place?.next === undefined || place.isPaused) return false;
    const { topic, mayHaveHoles = false } = this.#options.consumer;
    // A package passes by a batch of which nothing is left without a word: asked for again, it says the same.
    const isHole = mayHaveHoles && place.strays === STRAYS_MAX && from > place.next;
    const isStray = from !== place.next && !isHole;
    place.strays = isStray ? place.strays + 1 : 0;
    if (place.strays > STRAYS_MAX || (!isStray && !mayHaveHoles && to - from !== messages.length)) {
      const context = { topic, partition, expected: place.next, from, to, count: messages.length };
      const hint = 'They were deleted before they were read, or the topic is compacted. Look at its settings.';
      this.#fail(new MooringError('LOG_EXPIRED', 'records are missing in the log', { context, hint }));
      return false;
    }
    if (isStray) {
      // What was under way when the place was set, most likely.
      this.#member?.read(partition, place.next);
      return false;
    }
    place.next = to;
    try {
      this.#options.consumer.onMessages(partition, messages);
    } catch (error) {
      // A bug, which the package would take for a failure of its own and try again.
      queueMicrotask(() => {
        throw error;
      });
    }
    return true;
  }

  #lose(error: MooringError): void {
    const lost = this.#leave();
    if (this.#closing.signal.aborted) return;
    if (error.retry === 'never') {
      this.#fail(error);
      return;
    }
    this.#log.warn({ err: error }, 'the consumer lost its group; joining again');
    this.#rejoining = lost.then(() => this.#rejoin());
  }

  async #rejoin(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      try {
        await this.#join();
        this.#log.info({}, 'the consumer is in its group again');
        return;
      } catch (error) {
        const failure = toMooringError(error, 'LOG_FAILED', 'the group could not be joined');
        if (failure.retry === 'never') {
          this.#fail(failure);
          return;
        }
      }
      await this.#sleep();
    }
  }

  /** It cannot go on: says so once, and reads no more. */
  #fail(error: MooringError): void {
    if (this.#hasFailed || this.#closing.signal.aborted) return;
    this.#hasFailed = true;
    this.#closing.abort();
    this.#rejoining = this.#leave();
    this.#options.consumer.onFailed(error);
  }

  /** Lets go of the membership, and of what belonged to it. */
  async #leave(): Promise<void> {
    const member = this.#member;
    const revoked = [...this.#places.keys()];
    this.#member = undefined;
    this.#places = new Map();
    if (revoked.length > 0 && !this.#closing.signal.aborted) this.#options.consumer.onRevoked(revoked);
    await member?.leave();
  }

  async #sleep(): Promise<void> {
    await this.#options.clock.sleep(RETRY_MS, this.#closing.signal).catch(() => undefined);
  }
}

/** Rejects with the signal's reason when it is aborted before the work has settled. */
async function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason as Error);
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
