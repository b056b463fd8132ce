import kafkajs, { type Admin, type Kafka } from 'kafkajs';
import { mendRequestQueue } from '../../central/recordlog/kafka/kafkajs/request-queue.ts';
import { systemClock } from '../../runtime/clock.ts';
import { systemRandom } from '../../runtime/random.ts';

/** A message as a reader finds it in a topic. */
export interface TopicMessage {
  readonly partition: number;
  readonly offset: number;
  readonly key: string;
  readonly value: string;
  /** UTC milliseconds, as the broker gives it. */
  readonly timestampMs: number;
}

export interface TestTopic {
  readonly name: string;
  readonly partitions?: number;
  readonly settings?: Readonly<Record<string, string>>;
}

const READ_MS = 60_000;
const TRIES = 50;
const TRY_AGAIN_MS = 100;

/** What a test does to the topics of a Kafka beside the programs under test, and what it sees in them. */
export class Topics {
  readonly #kafka: Kafka;

  constructor(address: string) {
    mendRequestQueue();
    this.#kafka = new kafkajs.Kafka({
      brokers: [address],
      clientId: 'test',
      logLevel: kafkajs.logLevel.NOTHING,
      retry: { retries: 8, initialRetryTime: 100, maxRetryTime: 1000 },
    });
  }

  async create({ name, partitions = 1, settings = {} }: TestTopic): Promise<void> {
    const configEntries = Object.entries(settings).map(([key, value]) => ({ name: key, value }));
    const topic = { topic: name, numPartitions: partitions, replicationFactor: 1, configEntries };
    await this.#asAdmin((admin) => admin.createTopics({ topics: [topic], waitForLeaders: true }));
  }

  /** Has these settings, and otherwise the broker's own, from now on. */
  async alter(name: string, settings: Readonly<Record<string, string>>): Promise<void> {
    const configEntries = Object.entries(settings).map(([key, value]) => ({ name: key, value }));
    const resources = [{ type: kafkajs.ConfigResourceTypes.TOPIC, name, configEntries }];
    await this.#asAdmin((admin) => admin.alterConfigs({ validateOnly: false, resources }));
  }

  async delete(...names: readonly string[]): Promise<void> {
    await this.#asAdmin((admin) => admin.deleteTopics({ topics: [...names] }));
  }

  async names(): Promise<readonly string[]> {
    return await this.#asAdmin((admin) => admin.listTopics());
  }

  async settings(name: string): Promise<Readonly<Record<string, string>>> {
    const { resources } = await this.#asAdmin((admin) =>
      admin.describeConfigs({
        includeSynonyms: false,
        resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name }],
      }),
    );
    return Object.fromEntries(
      (resources[0]?.configEntries ?? []).map((entry) => [entry.configName, entry.configValue]),
    );
  }

  /** As retention does: the log of the partition begins at that offset from now on. */
  async deleteBefore(name: string, partition: number, offset: number): Promise<void> {
    await this.#asAdmin(async (admin) => {
      // Without it the client does not know of the topic.
      await admin.fetchTopicOffsets(name);
      await admin.deleteTopicRecords({ topic: name, partitions: [{ partition, offset: String(offset) }] });
    });
  }

  /** Messages that the topic still has, over all partitions. */
  async count(name: string): Promise<number> {
    const offsets = await this.#asAdmin((admin) => admin.fetchTopicOffsets(name));
    return offsets.reduce((sum, { low, high }) => sum + Number(high) - Number(low), 0);
  }

  /** Writes one, as any program may. */
  async write(name: string, message: { readonly value: string; readonly timestampMs?: number }): Promise<void> {
    const producer = this.#kafka.producer({ allowAutoTopicCreation: false });
    await producer.connect();
    const { value, timestampMs } = message;
    const timestamp = timestampMs === undefined ? {} : { timestamp: String(timestampMs) };
    await producer.send({ topic: name, messages: [{ key: 'test', value, ...timestamp }] });
    await producer.disconnect();
  }

  /** Everything that is in the topic now, by partition in order. */
  async read(name: string): Promise<readonly TopicMessage[]> {
    const spans = await this.#asAdmin((admin) => admin.fetchTopicOffsets(name));
    const open = new Map(
      spans
        .filter(({ low, high }) => low !== high)
        .map(({ partition, high }): [number, number] => [partition, Number(high)]),
    );
    const found: TopicMessage[] = [];
    if (open.size === 0) return found;
    const group = `test-${Buffer.from(systemRandom.bytes(6)).toString('hex')}`;
    const consumer = this.#kafka.consumer({ groupId: group, maxWaitTimeInMs: 100 });
    await consumer.connect();
    try {
      await consumer.subscribe({ topic: name, fromBeginning: true });
      await new Promise<void>((resolve, reject) => {
        const late = AbortSignal.timeout(READ_MS);
        late.addEventListener('abort', () => reject(new Error(`${name} was not read within ${READ_MS} ms`)));
        consumer.on(consumer.events.CRASH, ({ payload: { error, restart } }) => {
          if (!restart) reject(error);
        });
        const take = async (message: TopicMessage): Promise<void> => {
          const end = open.get(message.partition);
          if (end === undefined) return;
          if (message.offset < end) found.push(message);
          if (message.offset >= end - 1) open.delete(message.partition);
          if (open.size === 0) resolve();
        };
        void consumer.run({
          autoCommit: false,
          eachMessage: ({ partition, message: { offset, key, value, timestamp } }) =>
            take({
              partition,
              offset: Number(offset),
              key: key?.toString() ?? '',
              value: value?.toString() ?? '',
              timestampMs: Number(timestamp),
            }),
        });
      });
    } finally {
      await consumer.disconnect();
    }
    return found.sort((a, b) => a.partition - b.partition || a.offset - b.offset);
  }

  async #asAdmin<T>(work: (admin: Admin) => Promise<T>): Promise<T> {
    const admin = this.#kafka.admin();
    await admin.connect();
    try {
      for (let tries = 1; ; tries += 1) {
        try {
          return await work(admin);
        } catch (error) {
          // A topic that is new, or a broker that has just started: kafkajs does not try everything again by itself.
          if (!(error instanceof kafkajs.KafkaJSError && error.retriable) || tries === TRIES) throw error;
          await systemClock.sleep(TRY_AGAIN_MS);
        }
      }
    } finally {
      await admin.disconnect();
    }
  }
}
