import { onTestFinished } from 'vitest';
import type {
  ConsumedMessage,
  KafkaClient,
  KafkaConsumer,
  KafkaConsumerOptions,
} from '../../central/recordlog/kafka/client.ts';
import { eventually } from '../processes.ts';

export interface ReaderOptions {
  readonly client: KafkaClient;
  readonly topic: string;
  readonly group: string;
  /** Where to begin; nowhere of its own if left out. */
  readonly starts?: ReadonlyMap<number, number>;
  /** Called with what has come of a partition, before the consumer is left alone again. */
  readonly onMessages?: (reader: Reader, partition: number, messages: readonly ConsumedMessage[]) => void;
}

const WITHIN_MS = 40_000;

/** A consumer, and all that it was told. */
export class Reader {
  readonly consumer: KafkaConsumer;
  /** Each assignment, in order. */
  readonly assignments: (readonly number[])[] = [];
  readonly revoked: number[] = [];
  readonly failures: Error[] = [];
  /** By partition, what has come since the last assignment. */
  readonly messages = new Map<number, ConsumedMessage[]>();

  private constructor({ client, topic, group, starts = new Map(), onMessages }: ReaderOptions) {
    this.consumer = client.createConsumer({
      group,
      topic,
      positions: async (partitions) => {
        this.assignments.push(partitions);
        this.messages.clear();
        return new Map([...starts].filter(([partition]) => partitions.includes(partition)));
      },
      onMessages: (partition, messages) => {
        this.messages.set(partition, [...this.of(partition), ...messages]);
        onMessages?.(this, partition, messages);
      },
      onRevoked: (partitions) => this.revoked.push(...partitions),
      onFailed: (error) => this.failures.push(error),
    });
  }

  /** Opened; closed with the test. */
  static async open(options: ReaderOptions): Promise<Reader> {
    const reader = new Reader(options);
    onTestFinished(() => reader.consumer.close());
    await reader.consumer.open(new AbortController().signal);
    return reader;
  }

  of(partition: number): readonly ConsumedMessage[] {
    return this.messages.get(partition) ?? [];
  }

  offsets(partition: number): readonly number[] {
    return this.of(partition).map(({ offset }) => offset);
  }

  values(partition: number): readonly string[] {
    return this.of(partition).map(({ value }) => value.toString());
  }

  get count(): number {
    return [...this.messages.values()].reduce((sum, messages) => sum + messages.length, 0);
  }

  async has(count: number): Promise<void> {
    await eventually(`${count} messages`, WITHIN_MS, () => {
      if (this.failures[0] !== undefined) throw this.failures[0];
      return this.count >= count;
    });
  }

  async isAssigned(...partitions: readonly number[]): Promise<void> {
    await eventually(`partitions ${partitions} are assigned`, WITHIN_MS, () => {
      const now = [...(this.assignments.at(-1) ?? [])].sort();
      return now.length === partitions.length && now.every((partition, index) => partition === partitions[index]);
    });
  }

  async fails(): Promise<Error> {
    return await eventually('the consumer says that it has failed', WITHIN_MS, () => this.failures[0]);
  }
}

/** For a consumer that nobody listens to. */
export function deaf(topic: string): KafkaConsumerOptions {
  return {
    group: 'deaf',
    topic,
    positions: async () => new Map(),
    onMessages: () => undefined,
    onRevoked: () => undefined,
    onFailed: () => undefined,
  };
}
