import kafkajs, { type Admin } from 'kafkajs';
import type { Clock } from '../../../../runtime/clock.ts';
import { MooringError } from '../../../../runtime/errors.ts';
import type { KafkaAdmin, LogSpan, NewTopic, TopicDescription } from '../client.ts';
import { type Ask, isUnknownTopic } from '../failure.ts';
import { committedIn, spansIn, topicIsThere } from '../topics-asked.ts';

export interface KafkaJsAdminOptions {
  readonly createAdmin: () => Admin;
  readonly ask: Ask;
  readonly clock: Clock;
}

const ASK_MS = 15_000;
const CLOSE_MS = 3000;
/** How long the broker may take to make a topic, in milliseconds: less than a request may take. */
const CREATE_MS = 4000;

export class KafkaJsAdmin implements KafkaAdmin {
  readonly #options: KafkaJsAdminOptions;
  #connecting: Promise<Admin> | undefined;
  #isClosed = false;

  constructor(options: KafkaJsAdminOptions) {
    this.#options = options;
  }

  async clusterId(): Promise<string> {
    const { clusterId } = await this.#call('Kafka does not say which cluster it is', (admin) =>
      admin.describeCluster(),
    );
    return clusterId;
  }

  async describeTopic(topic: string): Promise<TopicDescription | undefined> {
    try {
      const { topics } = await this.#call('Kafka does not describe a topic', (admin) =>
        admin.fetchTopicMetadata({ topics: [topic] }),
      );
      const partitions = topics.find(({ name }) => name === topic)?.partitions ?? [];
      if (partitions.length === 0) return undefined;
      const { resources } = await this.#call('Kafka does not tell the settings of a topic', (admin) =>
        admin.describeConfigs({
          includeSynonyms: false,
          resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic }],
        }),
      );
      const entries = resources[0]?.configEntries ?? [];
      return {
        partitions: partitions.length,
        replication: Math.min(...partitions.map(({ replicas }) => replicas.length)),
        settings: Object.fromEntries(entries.map(({ configName, configValue }) => [configName, configValue])),
      };
    } catch (error) {
      if (isUnknownTopic(error)) return undefined;
      throw error;
    }
  }

  async createTopic({ name, partitions, replication, settings }: NewTopic): Promise<void> {
    const topic = {
      topic: name,
      numPartitions: partitions,
      replicationFactor: replication,
      configEntries: Object.entries(settings).map(([setting, value]) => ({ name: setting, value })),
    };
    const creating = this.#call('Kafka did not make a topic', (admin) =>
      admin.createTopics({ topics: [topic], waitForLeaders: false, timeout: CREATE_MS }),
    );
    // Neither its answer nor its error says whether the topic is there.
    await topicIsThere(this.#options.clock, creating, () => this.offsets(name));
  }

  async offsets(topic: string): Promise<readonly LogSpan[]> {
    const partitions = await this.#call('Kafka does not say how long a topic is', (admin) =>
      admin.fetchTopicOffsets(topic),
    );
    return spansIn(
      partitions.map(({ partition, low, high }) => ({ partition, first: Number(low), end: Number(high) })),
    );
  }

  async committed(group: string, topic: string): Promise<readonly (number | undefined)[]> {
    const topics = await this.#call('Kafka does not say what a group has committed', (admin) =>
      admin.fetchOffsets({ groupId: group, topics: [topic] }),
    );
    const partitions = topics.find((one) => one.topic === topic)?.partitions ?? [];
    return committedIn(partitions.map(({ partition, offset }) => ({ partition, offset: Number(offset) })));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#drop();
  }

  /** After any failure the next call begins with a connection of its own. */
  async #call<T>(message: string, work: (admin: Admin) => Promise<T>): Promise<T> {
    if (this.#isClosed) throw new MooringError('LOG_FAILED', message, { context: { reason: 'closed' } });
    try {
      return await this.#options.ask(message, ASK_MS, async () => work(await this.#connected()));
    } catch (error) {
      if (!isUnknownTopic(error)) await this.#drop();
      throw error;
    }
  }

  async #connected(): Promise<Admin> {
    this.#connecting ??= (async () => {
      const admin = this.#options.createAdmin();
      await admin.connect();
      return admin;
    })();
    return await this.#connecting;
  }

  async #drop(): Promise<void> {
    const connecting = this.#connecting;
    this.#connecting = undefined;
    if (connecting === undefined) return;
    const disconnect = async (): Promise<void> => (await connecting).disconnect();
    await this.#options.ask('Kafka holds the connection', CLOSE_MS, disconnect).catch(() => undefined);
  }
}
