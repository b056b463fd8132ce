import { Backoff } from '../../../runtime/backoff.ts';
import type { Clock } from '../../../runtime/clock.ts';
import { MooringError } from '../../../runtime/errors.ts';
import type { Log } from '../../../runtime/log.ts';
import type { Random } from '../../../runtime/random.ts';
import { AdminSession } from '../../recordlog/kafka/admin-session.ts';
import type { ConsumedMessage, KafkaClient, KafkaConsumer } from '../../recordlog/kafka/client.ts';
import { atMost } from '../patience.ts';
import type { MessageTaker } from './foreign-intake.ts';
import { PartitionWindow } from './partition-window.ts';

export interface KafkaSourceOptions {
  /** Key of `sources`. */
  readonly source: string;
  /** That others write to, and of which nothing is assumed: it may be compacted, or written in transactions. */
  readonly topic: string;
  /** Copies of the centre that say the same divide the partitions. */
  readonly group: string;
  readonly client: KafkaClient;
  readonly intake: MessageTaker;
  /** Messages of one partition that are read and not stored yet; 500 if left out. */
  readonly window?: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

export interface KafkaSourceStatus {
  readonly topic: string;
  /** In the group; it may have no partition there. */
  readonly isJoined: boolean;
  /** Partitions that this copy reads. */
  readonly partitions: number;
  readonly received: number;
  /** Messages without a value, which say nothing. */
  readonly empty: number;
  /** Messages that are stored, or in the dead letter. */
  readonly taken: number;
  /** Messages that are read and not stored yet. */
  readonly waiting: number;
  /** Messages that the topic had deleted before they were read. */
  readonly lost: number;
}

const WINDOW = 500;
const BACKOFF = { firstMs: 500, maxMs: 30_000 };
const COMMIT_EVERY_MS = 1000;
/** How long what was read may take to be stored as it closes, in milliseconds; the rest is read again. */
const DRAIN_MS = 2000;
/** A broker's time before it is nobody's: a program without a clock wrote it. */
const TIME_MIN_MS = Date.UTC(2015, 0);

/**
 * Messages of existing devices from a topic of Kafka. The group's offset is committed once all that can be used of a message
 * is in the record log and the rest in the dead letter: what a copy had under way when it ended is read again, and makes
 * the same ids.
 */
export class KafkaSource {
  readonly #options: KafkaSourceOptions;
  readonly #log: Log;
  readonly #backoff: Backoff;
  readonly #admin: AdminSession;
  readonly #aborted = new AbortController();
  readonly #counts = { received: 0, empty: 0, taken: 0, lost: 0 };
  #windows: ReadonlyMap<number, PartitionWindow> = new Map();
  /** Counts assignments and revocations. */
  #assignment = 0;
  #work: Promise<void> = Promise.resolve();
  #isJoined = false;
  #isDown = false;
  #isClosing = false;

  constructor(options: KafkaSourceOptions) {
    const { source, topic, log, random, client, clock } = options;
    this.#options = options;
    this.#log = log.child({ source, topic });
    this.#backoff = new Backoff(BACKOFF, random);
    this.#admin = new AdminSession(client, clock);
  }

  /** Begins to read, for ever, and returns at once. */
  async open(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.#work = this.#run(this.#aborted.signal);
    await Promise.resolve();
  }

  status(): KafkaSourceStatus {
    const { topic } = this.#options;
    const waiting = [...this.#windows.values()].reduce((sum, window) => sum + window.waiting, 0);
    return { topic, isJoined: this.#isJoined, partitions: this.#windows.size, ...this.#counts, waiting };
  }

  /** Reads nothing more, commits what is stored within a moment, and leaves the group. */
  async close(): Promise<void> {
    this.#isClosing = true;
    const drained = Promise.all([...this.#windows.values()].map((window) => window.drain()));
    await atMost(this.#options.clock, DRAIN_MS, drained);
    this.#aborted.abort();
    await this.#work;
    this.#admin.close();
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#serve(signal);
      } catch (error) {
        this.#lost(error);
      }
      await this.#sleep(this.#backoff.nextMs());
    }
  }

  /** One membership in the group, until it cannot go on. */
  async #serve(signal: AbortSignal): Promise<void> {
    const { client, group, topic } = this.#options;
    const over = Promise.withResolvers<never>();
    over.promise.catch(() => undefined);
    const consumer = client.createConsumer({
      group,
      topic,
      mayHaveHoles: true,
      positions: (partitions) => this.#begin(consumer, partitions),
      onMessages: (partition, messages) => this.#receive(partition, messages),
      onRevoked: (partitions) => {
        this.#assignment += 1;
        this.#forget(partitions);
      },
      onFailed: over.reject,
    });
    try {
      await consumer.open(signal);
      this.#joined();
      while (!signal.aborted) {
        await Promise.race([this.#sleep(COMMIT_EVERY_MS), over.promise]);
        // Also as it closes: a bad message that were read again would have two letters.
        await this.#commit(consumer);
      }
    } finally {
      this.#isJoined = false;
      this.#assignment += 1;
      this.#forget([...this.#windows.keys()]);
      await consumer.close();
    }
  }

  /** Where each partition begins; what was under way of the assignment before comes again. */
  async #begin(consumer: KafkaConsumer, partitions: readonly number[]): Promise<ReadonlyMap<number, number>> {
    const { topic, group, window: messagesMax = WINDOW } = this.#options;
    this.#assignment += 1;
    const assignment = this.#assignment;
    this.#forget([...this.#windows.keys()]);
    const [spans, committed] = await this.#admin.ask((admin) =>
      Promise.all([admin.offsets(topic), admin.committed(group, topic)]),
    );
    const starts = new Map<number, number>();
    // Another assignment stands by now, whose windows are not to be replaced: nobody begins at what is said here.
    if (assignment !== this.#assignment) return starts;
    for (const partition of partitions) {
      const span = spans[partition];
      if (span === undefined) continue;
      const next = committed[partition] ?? span.first;
      if (next < span.first) this.#expired(partition, span.first - next);
      if (next > span.end)
        this.#log.warn({ partition, next, ...span }, 'a topic of a source is another: it begins anew');
      starts.set(partition, next < span.first || next > span.end ? span.first : next);
    }
    this.#windows = new Map(
      [...starts].map(([partition, first]) => {
        const take = (message: ConsumedMessage, over: AbortSignal): Promise<void> =>
          this.#take(partition, message, over);
        const hold = (isFull: boolean): void => (isFull ? consumer.pause(partition) : consumer.resume(partition));
        return [partition, new PartitionWindow({ first, messagesMax, take, hold })] as const;
      }),
    );
    return starts;
  }

  #receive(partition: number, messages: readonly ConsumedMessage[]): void {
    this.#counts.received += messages.length;
    if (!this.#isClosing) this.#windows.get(partition)?.add(messages);
  }

  /** Again and again, until it is taken or somebody else's. */
  async #take(partition: number, { offset, value, timestampMs }: ConsumedMessage, over: AbortSignal): Promise<void> {
    const { intake, topic, clock } = this.#options;
    if (value.length === 0) {
      this.#counts.empty += 1;
      return;
    }
    const nowMs = clock.wallMs();
    const stampMs = timestampMs >= TIME_MIN_MS ? timestampMs : nowMs;
    // A stamp that lies ahead stays one, so that a second reading says the same; `received_at` shows that it does.
    const receivedAtMs = Math.min(stampMs, nowMs);
    // With the stamp, as another topic of the same name begins to count anew.
    const delivery = { name: `${topic}/${partition}/${offset}/${timestampMs}`, timestampMs: stampMs };
    for (;;) {
      const outcome = await intake.take({ bytes: value, topic, receivedAtMs, delivery });
      if (outcome.isTaken) break;
      await clock.sleep(outcome.retryAfterMs, over);
    }
    this.#counts.taken += 1;
  }

  /** What is not committed now is with the next: a commit that fails costs nothing but a second reading. */
  async #commit(consumer: KafkaConsumer): Promise<void> {
    const windows = [...this.#windows].filter(([, window]) => window.next > window.committed);
    if (windows.length === 0) return;
    const offsets = new Map(windows.map(([partition, { next }]) => [partition, next]));
    try {
      await consumer.commit(offsets);
      for (const [partition, window] of windows) window.committed = offsets.get(partition) as number;
    } catch (error) {
      if (!(error instanceof MooringError)) throw error;
      this.#log.debug({ err: error }, 'what is stored of a topic is not committed yet');
    }
  }

  #forget(partitions: readonly number[]): void {
    for (const partition of partitions) this.#windows.get(partition)?.end();
    this.#windows = new Map([...this.#windows].filter(([partition]) => !partitions.includes(partition)));
  }

  #expired(partition: number, count: number): void {
    this.#counts.lost += count;
    const hint = 'Look at the retention of the topic.';
    this.#log.error({ partition, count, hint }, 'messages of a source were deleted before they were read');
  }

  #joined(): void {
    this.#log.info({}, this.#isDown ? 'the topic of a source is read again' : 'a source reads its topic');
    this.#isDown = false;
    this.#isJoined = true;
    this.#backoff.reset();
  }

  #lost(error: unknown): void {
    if (this.#aborted.signal.aborted) return;
    if (!(error instanceof MooringError)) throw error;
    if (!this.#isDown) this.#log.warn({ err: error }, 'the topic of a source is not read; trying again');
    this.#isDown = true;
  }

  async #sleep(durationMs: number): Promise<void> {
    const { signal } = this.#aborted;
    try {
      await this.#options.clock.sleep(durationMs, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}
