import type { KafkaClientKind } from '../../config/types.ts';

/**
 * What this program asks of a Kafka client. Two packages stand behind it, each with an adapter of its own; both pass
 * `test/conformance/kafka-client.ts`. Whatever a broker does (gone, stopped, refusing), every call here settles within a
 * stated time, and rejects with a `MooringError`: `LOG_FAILED` where another try may do, `LOG_UNFIT` where none will.
 */
export interface KafkaClient {
  readonly kind: KafkaClientKind;
  /**
   * `send`s that one producer takes at once without risk. With kafkajs 1: after a failed send it uses the sequence number
   * again, and another batch would be acknowledged without being stored (docs/decisions.md).
   */
  readonly sendsAtOnce: number;
  /** Connects with the first call. */
  createAdmin(): KafkaAdmin;
  /** Connects; rejects when that takes longer than some seconds. */
  createProducer(): Promise<KafkaProducer>;
  createConsumer(options: KafkaConsumerOptions): KafkaConsumer;
}

export interface KafkaAdmin {
  clusterId(): Promise<string>;
  /** Undefined where there is no such topic. */
  describeTopic(topic: string): Promise<TopicDescription | undefined>;
  /** Resolves when the topic is there, as metadata has it; one that somebody else has made meanwhile is no error. */
  createTopic(topic: NewTopic): Promise<void>;
  /** By partition, in order: where the log begins, and the offset that the next record will have. */
  offsets(topic: string): Promise<readonly LogSpan[]>;
  /** By partition, in order: the offset that a group has committed; undefined where it has none. */
  committed(group: string, topic: string): Promise<readonly (number | undefined)[]>;
  close(): Promise<void>;
}

export interface TopicDescription {
  readonly partitions: number;
  /** Of the partition that has the fewest replicas. */
  readonly replication: number;
  /** Every setting by its name, defaults included: `min.insync.replicas`, `max.message.bytes`, … */
  readonly settings: Readonly<Record<string, string>>;
}

export interface NewTopic {
  readonly name: string;
  readonly partitions: number;
  readonly replication: number;
  readonly settings: Readonly<Record<string, string>>;
}

export interface LogSpan {
  readonly first: number;
  readonly end: number;
}

export interface KafkaMessage {
  readonly topic: string;
  /** Computed by the caller (`partitionOf`): a client's own partitioner is never asked. */
  readonly partition: number;
  readonly key: string;
  /** JSON. */
  readonly value: string;
}

/** Where some of the messages of a `send` are now: those of one partition, in the order in which they were given. */
export interface Produced {
  readonly topic: string;
  readonly partition: number;
  /** Offset of the first of them; the others follow without a hole. */
  readonly offset: number;
  readonly count: number;
}

/** Idempotent, `acks=all`. After any rejection it is to be closed, and a new one made: that is the caller's part. */
export interface KafkaProducer {
  /**
   * Resolves when every message is durable as its topic asks for. Rejects with `LOG_FAILED`: any of them may be in the log,
   * or with `LOG_REFUSED`: the broker will never take one of them (too large, its timestamp), and none of that partition
   * is there.
   */
  send(messages: readonly KafkaMessage[]): Promise<readonly Produced[]>;
  close(): Promise<void>;
}

export interface KafkaConsumerOptions {
  readonly group: string;
  readonly topic: string;
  /** A topic of others, which may be compacted or written in transactions: offsets that are not there are no loss. */
  readonly mayHaveHoles?: boolean;
  /**
   * Called with each assignment, before anything is fetched: where to begin in each of the partitions. Those that are not
   * in the answer begin at the group's offset, or at the earliest where it has none. Never resets by itself. What was
   * delivered before may come again, from there; nothing of the assignment before comes any more.
   */
  readonly positions: (partitions: readonly number[]) => Promise<ReadonlyMap<number, number>>;
  /** Messages of one partition, in order. Returns at once: who has enough calls `pause`. */
  readonly onMessages: (partition: number, messages: readonly ConsumedMessage[]) => void;
  /** Partitions that were taken away: what is committed for them from now on is somebody else's. */
  readonly onRevoked: (partitions: readonly number[]) => void;
  /**
   * It cannot go on: the broker does not let it (`LOG_UNFIT`), or what comes next is not in the log (any more), at an
   * assignment or under way (`LOG_EXPIRED`). Called at most once; it is to be closed. A broker that is away is no failure:
   * it joins again by itself, and its partitions are revoked meanwhile.
   */
  readonly onFailed: (error: Error) => void;
}

export interface ConsumedMessage {
  readonly offset: number;
  readonly key: string | undefined;
  readonly value: Buffer;
  /** As the broker gave it; of receipt, on our topics. */
  readonly timestampMs: number;
}

export interface KafkaConsumer {
  /** Joins the group. Rejects with `LOG_FAILED` when that is not possible now. */
  open(signal: AbortSignal): Promise<void>;
  /** Nothing more of it comes, and what is read ahead is bounded. Ends with the next assignment. */
  pause(partition: number): void;
  resume(partition: number): void;
  /** The next offsets by partition. Rejects with `LOG_FAILED`, also for what is not assigned; to be committed again with the next ones then. */
  commit(offsets: ReadonlyMap<number, number>): Promise<void>;
  /** Leaves the group, within some seconds. Safe whether or not `open` succeeded. */
  close(): Promise<void>;
}
