import assert from 'node:assert/strict';
import type {
  ConsumedMessage,
  KafkaAdmin,
  KafkaClient,
  KafkaConsumer,
  KafkaConsumerOptions,
  KafkaMessage,
  KafkaProducer,
  LogSpan,
  NewTopic,
  Produced,
  TopicDescription,
} from '../central/recordlog/kafka/client.ts';
import { MooringError } from '../runtime/errors.ts';

/** What the broker does wrong, from now on. */
export interface MemoryKafkaFaults {
  /** Nobody answers: every call is rejected. */
  isGone: boolean;
  /** Nothing that is asked is ever answered, until `release`. */
  hangs: boolean;
  /** Of so many sends: the answer is lost once everything is stored. */
  answersLost: number;
  /** Of so many sends: they are rejected, and nothing is stored. */
  sendsRejected: number;
  /** Messages that the broker never takes: a send with one stores nothing in its partition. */
  refuses: (message: KafkaMessage) => boolean;
}

interface MemoryTopic extends NewTopic {
  readonly logs: ConsumedMessage[][];
  /** Where each log begins, unless at 0. */
  readonly firsts: number[];
}

/** Settings that a topic has without being asked. */
const DEFAULTS = {
  'cleanup.policy': 'delete',
  'retention.ms': '604800000',
  'retention.bytes': '-1',
  'message.timestamp.type': 'CreateTime',
  'max.message.bytes': '1048588',
  'min.insync.replicas': '1',
  'flush.messages': '9223372036854775807',
  'unclean.leader.election.enable': 'false',
} as const;
/** As a broker counts a record in a batch, roughly. */
const RECORD_BYTES = 20;
const BATCH_BYTES = 61;

/**
 * A Kafka in memory, with clients. It has the traps of the real ones: after a failed send, a producer that is used again
 * acknowledges what it does not store; it never knows its own messages again; it is wiped without a word.
 */
export class MemoryKafka implements KafkaClient {
  readonly kind = 'kafkajs';
  readonly sendsAtOnce: number;
  readonly faults: MemoryKafkaFaults = {
    isGone: false,
    hangs: false,
    answersLost: 0,
    sendsRejected: 0,
    refuses: () => false,
  };
  cluster = 'cluster-1';
  /** Messages of each send, in order, whatever became of it. */
  readonly sends: (readonly KafkaMessage[])[] = [];
  /** What a broker that is behind the others says instead. */
  looking: Partial<KafkaAdmin> = {};
  producersMade = 0;
  producersClosed = 0;
  /** Times that groups' offsets were asked for. */
  committedAsked = 0;
  readonly #topics = new Map<string, MemoryTopic>();
  readonly #groups = new Map<string, Map<string, (number | undefined)[]>>();
  readonly #consumers = new Set<MemoryConsumer>();
  #hanging: (() => void)[] = [];

  constructor({ sendsAtOnce = 1 }: { readonly sendsAtOnce?: number } = {}) {
    this.sendsAtOnce = sendsAtOnce;
  }

  /** What was asked while it hung is answered. */
  release(): void {
    this.faults.hangs = false;
    const hanging = this.#hanging;
    this.#hanging = [];
    for (const answer of hanging) answer();
  }

  /** Its disks are new: nothing is there, and it is another cluster. */
  wipe(cluster: string): void {
    this.cluster = cluster;
    this.#topics.clear();
    this.#groups.clear();
  }

  deleteTopic(topic: string): void {
    this.#topics.delete(topic);
  }

  makeTopic({ settings, ...topic }: NewTopic): void {
    this.#topics.set(topic.name, {
      ...topic,
      settings: { ...DEFAULTS, ...settings },
      logs: Array.from({ length: topic.partitions }, () => []),
      firsts: [],
    });
  }

  /** Retention: a partition begins there now. */
  expire(topic: string, partition: number, first: number): void {
    this.#require(topic).firsts[partition] = first;
  }

  /** What stands in a topic, by partition. */
  messages(topic: string): readonly (readonly ConsumedMessage[])[] {
    return this.#topics.get(topic)?.logs ?? [];
  }

  /** Every value of a topic, as text. */
  values(topic: string): string[] {
    return this.messages(topic).flatMap((log) => log.map(({ value }) => value.toString('utf8')));
  }

  topic(name: string): NewTopic | undefined {
    return this.#topics.get(name);
  }

  /** A group commits. */
  commit(group: string, topic: string, offsets: ReadonlyMap<number, number>): void {
    const topics = this.#groups.get(group) ?? new Map<string, (number | undefined)[]>();
    this.#groups.set(group, topics);
    const committed = topics.get(topic) ?? [];
    topics.set(topic, committed);
    for (const [partition, offset] of offsets) committed[partition] = offset;
  }

  /** `offsets.retention.minutes` have passed without a member. */
  forgetGroup(group: string): void {
    this.#groups.delete(group);
  }

  /** Anybody writes a message. */
  put(message: KafkaMessage): number {
    const log = this.#require(message.topic).logs[message.partition];
    assert(log !== undefined, 'the partition exists');
    const offset = log.length;
    log.push({ offset, key: message.key, value: Buffer.from(message.value), timestampMs: 0 });
    for (const consumer of this.#consumers) consumer.wake();
    return offset;
  }

  createAdmin(): KafkaAdmin {
    return {
      clusterId: () => this.#answer(() => this.cluster),
      describeTopic: (name) => this.#answer(() => descriptionOf(this.#topics.get(name))),
      createTopic: (topic) =>
        this.#answer(() => {
          if (!this.#topics.has(topic.name)) this.makeTopic(topic);
        }),
      offsets: (name) =>
        this.#answer((): LogSpan[] => {
          const { logs, firsts } = this.#require(name);
          return logs.map(({ length }, partition) => ({ first: firsts[partition] ?? 0, end: length }));
        }),
      committed: (group, name) =>
        this.#answer(() => {
          this.committedAsked += 1;
          const committed = this.#groups.get(group)?.get(name) ?? [];
          return this.#require(name).logs.map((_, partition) => committed[partition]);
        }),
      close: () => Promise.resolve(),
      ...this.looking,
    };
  }

  async createProducer(): Promise<KafkaProducer> {
    await this.#answer(() => undefined);
    this.producersMade += 1;
    let sends = 0;
    let isSpent = false;
    return {
      send: async (messages) => {
        sends += 1;
        assert(sends <= this.sendsAtOnce, 'a producer is given no more sends than it takes');
        this.sends.push(messages);
        try {
          const produced = await this.#send(messages, isSpent);
          return produced;
        } catch (error) {
          isSpent = true;
          throw error;
        } finally {
          sends -= 1;
        }
      },
      close: async () => {
        this.producersClosed += 1;
      },
    };
  }

  createConsumer(options: KafkaConsumerOptions): KafkaConsumer {
    const broker = {
      open: (consumer: MemoryConsumer) => this.#answer(() => void this.#consumers.add(consumer)),
      close: (consumer: MemoryConsumer) => void this.#consumers.delete(consumer),
      logs: () => this.#topics.get(options.topic)?.logs ?? [],
      committed: () => this.#groups.get(options.group)?.get(options.topic) ?? [],
      commit: (offsets: ReadonlyMap<number, number>) =>
        this.#answer(() => this.commit(options.group, options.topic, offsets)),
    };
    return new MemoryConsumer(options, broker);
  }

  /** Every member of every group loses its place, as when their coordinator restarts. */
  failConsumers(): void {
    for (const consumer of this.#consumers) consumer.fail(away());
  }

  async #send(messages: readonly KafkaMessage[], isSpent: boolean): Promise<readonly Produced[]> {
    return await this.#answer(() => {
      if (this.faults.sendsRejected > 0) {
        this.faults.sendsRejected -= 1;
        throw away();
      }
      const produced = [...Map.groupBy(messages, ({ topic, partition }) => `${topic}/${partition}`).values()].map(
        (some) => this.#store(some, isSpent),
      );
      if (this.faults.answersLost > 0) {
        this.faults.answersLost -= 1;
        throw away();
      }
      return produced;
    });
  }

  #store(messages: readonly KafkaMessage[], isSpent: boolean): Produced {
    const { topic, partition } = messages[0] as KafkaMessage;
    const { logs, settings } = this.#require(topic);
    const bytes = messages.reduce(
      (sum, { key, value }) => sum + Buffer.byteLength(value) + key.length + RECORD_BYTES,
      0,
    );
    if (messages.some(this.faults.refuses) || bytes + BATCH_BYTES > Number(settings['max.message.bytes'])) {
      throw new MooringError('LOG_REFUSED', 'the broker refuses a record');
    }
    const offset = logs[partition]?.length ?? 0;
    if (isSpent) return { topic, partition, offset, count: messages.length };
    for (const message of messages) this.put(message);
    return { topic, partition, offset, count: messages.length };
  }

  #require(name: string): MemoryTopic {
    const topic = this.#topics.get(name);
    if (topic === undefined)
      throw new MooringError('LOG_FAILED', 'there is no such topic', { context: { topic: name } });
    return topic;
  }

  /** Every answer takes a turn. */
  async #answer<T>(work: () => T): Promise<T> {
    await Promise.resolve();
    if (this.faults.hangs) await new Promise<void>((resolve) => this.#hanging.push(resolve));
    if (this.faults.isGone) throw away();
    return work();
  }
}

interface ConsumerBroker {
  readonly open: (consumer: MemoryConsumer) => Promise<void>;
  readonly close: (consumer: MemoryConsumer) => void;
  readonly logs: () => readonly (readonly ConsumedMessage[])[];
  readonly committed: () => readonly (number | undefined)[];
  readonly commit: (offsets: ReadonlyMap<number, number>) => Promise<void>;
}

/** Has every partition for itself. */
class MemoryConsumer implements KafkaConsumer {
  readonly #options: KafkaConsumerOptions;
  readonly #broker: ConsumerBroker;
  readonly #next = new Map<number, number>();
  readonly #paused = new Set<number>();
  #isOpen = false;

  constructor(options: KafkaConsumerOptions, broker: ConsumerBroker) {
    this.#options = options;
    this.#broker = broker;
  }

  async open(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await this.#broker.open(this);
    const partitions = [...this.#broker.logs().keys()];
    const positions = await this.#options.positions(partitions);
    for (const partition of partitions) {
      this.#next.set(partition, positions.get(partition) ?? this.#broker.committed()[partition] ?? 0);
    }
    this.#isOpen = true;
    this.wake();
  }

  pause(partition: number): void {
    this.#paused.add(partition);
  }

  resume(partition: number): void {
    this.#paused.delete(partition);
    this.wake();
  }

  commit(offsets: ReadonlyMap<number, number>): Promise<void> {
    return this.#broker.commit(offsets);
  }

  async close(): Promise<void> {
    this.#isOpen = false;
    this.#broker.close(this);
  }

  /** There may be more. */
  wake(): void {
    queueMicrotask(() => this.#fetch());
  }

  fail(error: MooringError): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#options.onRevoked([...this.#next.keys()]);
    this.#options.onFailed(error);
  }

  #fetch(): void {
    for (const [partition, log] of this.#broker.logs().entries()) {
      const next = this.#next.get(partition) ?? 0;
      if (!this.#isOpen || this.#paused.has(partition) || log.length <= next) continue;
      this.#next.set(partition, log.length);
      this.#options.onMessages(partition, log.slice(next));
    }
  }
}

function descriptionOf(topic: MemoryTopic | undefined): TopicDescription | undefined {
  if (topic === undefined) return undefined;
  const { partitions, replication, settings } = topic;
  return { partitions, replication, settings };
}

function away(): MooringError {
  return new MooringError('LOG_FAILED', 'the broker is away');
}
