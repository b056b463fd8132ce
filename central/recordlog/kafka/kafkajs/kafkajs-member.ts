import type { Batch, Consumer, EachBatchPayload, Kafka } from 'kafkajs';
import { MooringError } from '../../../../runtime/errors.ts';
import type { ConsumedMessage, KafkaConsumerOptions } from '../client.ts';
import type { Ask } from '../failure.ts';
import { GROUP, type GroupMember, type GroupMemberEvents } from '../group-member.ts';
import type { OnLogLine } from './kafkajs-client.ts';

export interface KafkaJsMemberOptions {
  readonly consumer: KafkaConsumerOptions;
  readonly events: GroupMemberEvents;
  readonly ask: Ask;
  readonly createKafka: (onLogLine: OnLogLine) => Kafka;
}

const CONNECT_MS = 15_000;
const COMMIT_MS = 10_000;
const LEAVE_MS = 5000;

/** What the package says before it goes to the beginning or the end of a log that lacks what it was to read. */
const ABOUT_TO_RESET = 'Offset out of range, resetting to default offset';

/** A membership by kafkajs. The package does not go on with another by itself: who uses it here does. */
export class KafkaJsMember implements GroupMember {
  readonly #options: KafkaJsMemberOptions;
  readonly #topic: string;
  readonly #consumer: Consumer;
  readonly #joined = Promise.withResolvers<void>();
  #hasJoined = false;
  #isOver = false;
  #expired: MooringError | undefined;

  constructor(options: KafkaJsMemberOptions) {
    this.#options = options;
    this.#topic = options.consumer.topic;
    // Who asks for the join hears of it; where nobody has asked yet, it is nobody's rejection.
    this.#joined.promise.catch(() => undefined);
    const kafka = options.createKafka((line) => this.#preventReset(line));
    this.#consumer = kafka.consumer({
      groupId: options.consumer.group,
      sessionTimeout: GROUP.sessionMs,
      rebalanceTimeout: GROUP.rebalanceMs,
      heartbeatInterval: GROUP.heartbeatMs,
      maxWaitTimeInMs: GROUP.fetchWaitMs,
      maxBytesPerPartition: GROUP.fetchPartitionBytes,
      maxBytes: GROUP.fetchBytes,
      allowAutoTopicCreation: false,
      retry: { retries: 2, initialRetryTime: 200, maxRetryTime: 2000, restartOnFailure: async () => false },
    });
    this.#consumer.on('consumer.group_join', ({ payload }) =>
      this.#assign(payload.memberAssignment[this.#topic] ?? []),
    );
    this.#consumer.on('consumer.crash', ({ payload }) => this.#crash(payload.error));
  }

  async join(): Promise<void> {
    const { ask } = this.#options;
    await ask('Kafka takes no consumer', CONNECT_MS, () => this.#consumer.connect());
    await ask('Kafka takes no consumer', CONNECT_MS, () =>
      this.#consumer.subscribe({ topics: [this.#topic], fromBeginning: true }),
    );
    const running = this.#consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      eachBatch: async (payload) => this.#take(payload),
    });
    await ask('Kafka does not let this consumer into its group', GROUP.joinMs, () =>
      Promise.race([this.#joined.promise, running.then(() => this.#joined.promise)]),
    );
  }

  read(partition: number, offset: number): void {
    this.#whileItRuns(() => {
      this.#consumer.seek({ topic: this.#topic, partition, offset: String(offset) });
      this.#consumer.resume([{ topic: this.#topic, partitions: [partition] }]);
    });
  }

  pause(partition: number): void {
    this.#whileItRuns(() => this.#consumer.pause([{ topic: this.#topic, partitions: [partition] }]));
  }

  resume(partition: number): void {
    this.#whileItRuns(() => this.#consumer.resume([{ topic: this.#topic, partitions: [partition] }]));
  }

  async commit(offsets: ReadonlyMap<number, number>): Promise<void> {
    const next = [...offsets].map(([partition, offset]) => ({ topic: this.#topic, partition, offset: String(offset) }));
    await this.#options.ask('Kafka did not take what was read', COMMIT_MS, async () => {
      await this.#consumer.commitOffsets(next);
      // While it stops it says nothing and does nothing.
      if (this.#isOver)
        throw new MooringError('LOG_FAILED', 'the consumer has ended', { context: { reason: 'ended' } });
    });
  }

  async leave(): Promise<void> {
    this.#isOver = true;
    await this.#options
      .ask('Kafka holds the consumer', LEAVE_MS, () => this.#consumer.disconnect())
      .catch(() => undefined);
  }

  /** It fetches as soon as the listeners of this event have returned: nothing, as all is paused by then. */
  #assign(partitions: readonly number[]): void {
    if (this.#isOver) return;
    this.#consumer.pause([{ topic: this.#topic, partitions: [...partitions] }]);
    this.#options.events.onAssigned(partitions);
    this.#hasJoined = true;
    this.#joined.resolve();
  }

  #take({ batch, resolveOffset }: EachBatchPayload): void {
    const from = Number((batch as Batch & { readonly fetchedOffset: string }).fetchedOffset);
    const to = Number(batch.lastOffset()) + 1;
    const messages = batch.messages.map(
      ({ offset, key, value, timestamp }): ConsumedMessage => ({
        offset: Number(offset),
        key: key?.toString(),
        value: value ?? Buffer.alloc(0),
        timestampMs: Number(timestamp),
      }),
    );
    if (this.#options.events.onMessages(batch.partition, { from, to }, messages)) resolveOffset(batch.lastOffset());
  }

  /**
   * The package would commit "the beginning" for the group and go on there. It asks nobody, but it says so first: what is
   * thrown here ends it before.
   */
  #preventReset({ log }: Parameters<OnLogLine>[0]): void {
    if (log.message !== ABOUT_TO_RESET) return;
    const context = { topic: this.#topic, partition: log.partition };
    this.#expired = new MooringError('LOG_EXPIRED', 'the log does not have what is to be read next', {
      context,
      hint: 'Records were deleted before they were read. Look at the retention of the topic.',
    });
    throw Object.assign(new Error(this.#expired.message, { cause: this.#expired }), { retriable: false });
  }

  #crash(error: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    void this.#options
      .ask('the consumer has ended', COMMIT_MS, () => Promise.reject(this.#expired ?? error))
      .catch((failure: Error) => {
        if (this.#hasJoined) this.#options.events.onLost(failure);
        else this.#joined.reject(failure);
      });
  }

  /** Between its crash and the event that tells of it, the package throws: it is not to be told anything any more. */
  #whileItRuns(action: () => void): void {
    if (this.#isOver) return;
    try {
      action();
    } catch (error) {
      if ((error as Error).name !== 'KafkaJSNonRetriableError') throw error;
    }
  }
}
