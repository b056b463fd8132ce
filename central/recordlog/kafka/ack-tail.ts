import { aborted } from '../../../runtime/aborted.ts';
import { Backoff } from '../../../runtime/backoff.ts';
import { type Clock, withDeadline } from '../../../runtime/clock.ts';
import { MooringError } from '../../../runtime/errors.ts';
import type { Log } from '../../../runtime/log.ts';
import type { Random } from '../../../runtime/random.ts';
import { type AckMessage, decodeAckMessage } from './acks.ts';
import type { AdminSession } from './admin-session.ts';
import type { ConsumedMessage, KafkaClient, KafkaConsumer, LogSpan } from './client.ts';

export interface AckTailOptions {
  readonly client: KafkaClient;
  readonly admin: AdminSession;
  /** Topic of acknowledgements. */
  readonly topic: string;
  /** Of this process alone: nothing is ever committed in its name. */
  readonly group: string;
  readonly onMessage: (message: AckMessage) => void;
  /** What stood there at the start has been read. */
  readonly onCaughtUp: () => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** Of each partition, what is read at the start: some thousand batches of each gateway. */
const NEWEST_COUNT = 20_000;
/** A broker that never had a group has to make a place for the first one, and lets it in a moment later. */
const FAILURES_TOLD = 2;
const RETRY = { firstMs: 500, maxMs: 30_000 };
/** How long `readTo` waits, in milliseconds. */
const READ_MS = 5000;
/**
 * Where not all is read at the start, what is said to be held in the first of it counts for nothing: a sink may have
 * refused it before. An append has no longer from producing a record to saying so, in milliseconds.
 */
const HELD_DOUBT_MS = 60_000;

/** Reads the acknowledgements as they come, from every copy of the centre, and first the newest of those that are there. */
export class AckTail {
  readonly #options: AckTailOptions;
  readonly #backoff: Backoff;
  readonly #aborted = new AbortController();
  /** Partition → the offset that is read next. */
  readonly #next = new Map<number, number>();
  /** Partition → where the log ended at the start; only of those that have not been read so far. */
  readonly #goals = new Map<number, number>();
  #work: Promise<void> = Promise.resolve();
  /** In a row. */
  #failures = 0;
  #isCaughtUp = false;
  /** Partition → before which time `held` is not believed. */
  readonly #doubts = new Map<number, number>();
  #waiting: { readonly ends: readonly number[]; readonly resolve: () => void }[] = [];

  constructor(options: AckTailOptions) {
    this.#options = options;
    this.#backoff = new Backoff(RETRY, options.random);
  }

  /** Begins when the topic is there; goes on for ever, whatever happens to Kafka. */
  start(topicIsThere: Promise<void>): void {
    this.#work = this.#run(topicIsThere);
  }

  /**
   * Resolves when every partition has been read up to its end. Rejects with `LOG_FAILED` when that takes longer than five
   * seconds, or the signal is aborted.
   * @param ends by partition
   */
  async readTo(ends: readonly number[], signal: AbortSignal): Promise<void> {
    if (this.#hasRead(ends)) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiting = { ends, resolve };
    this.#waiting.push(waiting);
    const late = (): MooringError => new MooringError('LOG_FAILED', 'the acknowledgements are not read in time');
    const giveUp = (): void => reject(late());
    signal.addEventListener('abort', giveUp);
    if (signal.aborted) giveUp();
    try {
      await withDeadline(this.#options.clock, READ_MS, promise, late);
    } finally {
      signal.removeEventListener('abort', giveUp);
      this.#waiting = this.#waiting.filter((each) => each !== waiting);
    }
  }

  #hasRead(ends: readonly number[]): boolean {
    return ends.every((end, partition) => end === 0 || (this.#next.get(partition) ?? -1) >= end);
  }

  async close(): Promise<void> {
    this.#aborted.abort();
    await this.#work;
  }

  async #run(topicIsThere: Promise<void>): Promise<void> {
    const { signal } = this.#aborted;
    await Promise.race([topicIsThere, aborted(signal)]);
    while (!signal.aborted) {
      try {
        await this.#follow(signal);
      } catch (error) {
        this.#lost(error);
      }
      if (signal.aborted) return;
      await this.#options.clock.sleep(this.#backoff.nextMs(), signal).catch(() => undefined);
    }
  }

  /** One membership of the group, from its beginning to its end. */
  async #follow(signal: AbortSignal): Promise<void> {
    const { client, topic, group } = this.#options;
    const failed = Promise.withResolvers<never>();
    const consumer: KafkaConsumer = client.createConsumer({
      group,
      topic,
      positions: (partitions) => this.#positions(partitions),
      onMessages: (partition, messages) => this.#read(partition, messages),
      onRevoked: () => undefined,
      onFailed: failed.reject,
    });
    failed.promise.catch(() => undefined);
    try {
      await consumer.open(signal);
      this.#worked();
      await Promise.race([failed.promise, aborted(signal)]);
    } finally {
      await consumer.close();
    }
  }

  async #positions(partitions: readonly number[]): Promise<ReadonlyMap<number, number>> {
    const { admin, topic } = this.#options;
    const spans = await admin.ask((asked) => asked.offsets(topic));
    const positions = new Map<number, number>();
    for (const partition of partitions) {
      const span: LogSpan = spans[partition] ?? { first: 0, end: 0 };
      const known = this.#next.get(partition);
      // Once begun nothing is left out: what a sink has refused may stand there.
      const next = Math.max(span.first, known ?? span.end - NEWEST_COUNT);
      positions.set(partition, Math.min(next, span.end));
      if (known === undefined) this.#next.set(partition, next);
      if (known === undefined && next > span.first) this.#doubts.set(partition, Number.POSITIVE_INFINITY);
      if (!this.#isCaughtUp && next < span.end) this.#goals.set(partition, span.end);
    }
    this.#look();
    this.#answer();
    return positions;
  }

  #read(partition: number, messages: readonly ConsumedMessage[]): void {
    for (const { offset, value, timestampMs } of messages) {
      const message = decodeAckMessage(value);
      // One that stands elsewhere than it says is none of ours.
      const isOurs = message?.partition === partition;
      if (isOurs && !(message.state === 'held' && this.#isDoubtful(partition, timestampMs)))
        this.#options.onMessage(message);
      this.#next.set(partition, offset + 1);
    }
    this.#answer();
    if ((this.#next.get(partition) ?? 0) >= (this.#goals.get(partition) ?? Number.POSITIVE_INFINITY)) {
      this.#goals.delete(partition);
      this.#look();
    }
  }

  #isDoubtful(partition: number, timestampMs: number): boolean {
    const untilMs = this.#doubts.get(partition);
    if (untilMs === undefined) return false;
    if (untilMs === Number.POSITIVE_INFINITY) this.#doubts.set(partition, timestampMs + HELD_DOUBT_MS);
    else if (timestampMs >= untilMs) this.#doubts.delete(partition);
    return this.#doubts.has(partition);
  }

  #answer(): void {
    for (const { ends, resolve } of this.#waiting) if (this.#hasRead(ends)) resolve();
  }

  #look(): void {
    if (this.#isCaughtUp || this.#goals.size > 0) return;
    this.#isCaughtUp = true;
    this.#options.onCaughtUp();
  }

  #worked(): void {
    if (this.#failures >= FAILURES_TOLD) {
      this.#options.log.info({}, 'acknowledgements of other copies are heard again');
    }
    this.#failures = 0;
    this.#backoff.reset();
  }

  #lost(error: unknown): void {
    if (this.#aborted.signal.aborted) return;
    if (!(error instanceof MooringError)) throw error;
    this.#failures += 1;
    if (this.#failures === FAILURES_TOLD) {
      this.#options.log.warn({ err: error }, 'acknowledgements of other copies are not heard; trying again');
    }
  }
}
