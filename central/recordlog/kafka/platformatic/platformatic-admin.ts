import { Admin, type BaseOptions, ConfigResourceTypes } from '@platformatic/kafka';
import type { Clock } from '../../../../runtime/clock.ts';
import { MooringError } from '../../../../runtime/errors.ts';
import type { KafkaAdmin, LogSpan, NewTopic, TopicDescription } from '../client.ts';
import { type Ask, isUnknownTopic } from '../failure.ts';
import { committedIn, spansIn, topicIsThere } from '../topics-asked.ts';

export interface PlatformaticAdminOptions {
  readonly base: BaseOptions;
  readonly ask: Ask;
  readonly clock: Clock;
}

const ASK_MS = 15_000;
const CLOSE_MS = 3000;
/** Kafka's words for "where the log begins" and "where it ends", as a time to look for. */
const EARLIEST = -2n;
const LATEST = -1n;

export class PlatformaticAdmin implements KafkaAdmin {
  readonly #options: PlatformaticAdminOptions;
  #admin: Admin | undefined;
  #isClosed = false;

  constructor(options: PlatformaticAdminOptions) {
    this.#options = options;
  }

  async clusterId(): Promise<string> {
    const { id } = await this.#call('Kafka does not say which cluster it is', (admin) =>
      admin.metadata({ topics: [], forceUpdate: true }),
    );
    return id;
  }

  async describeTopic(topic: string): Promise<TopicDescription | undefined> {
    try {
      const partitions = await this.#partitionsOf(topic);
      if (partitions.length === 0) return undefined;
      const described = await this.#call('Kafka does not tell the settings of a topic', (admin) =>
        admin.describeConfigs({
          resources: [{ resourceType: ConfigResourceTypes.TOPIC, resourceName: topic, configurationKeys: null }],
        }),
      );
      const configs = described.find(({ resourceName }) => resourceName === topic)?.configs ?? [];
      return {
        partitions: partitions.length,
        replication: Math.min(...partitions.map(({ replicas }) => replicas.length)),
        settings: Object.fromEntries(configs.map(({ name, value }) => [name, value ?? ''])),
      };
    } catch (error) {
      if (isUnknownTopic(error)) return undefined;
      throw error;
    }
  }

  async createTopic({ name, partitions, replication, settings }: NewTopic): Promise<void> {
    const configs = Object.entries(settings).map(([setting, value]) => ({ name: setting, value }));
    const creating = this.#call('Kafka did not make a topic', (admin) =>
      admin.createTopics({ topics: [name], partitions, replicas: replication, configs }),
    );
    await topicIsThere(this.#options.clock, creating, () => this.offsets(name));
  }

  async offsets(topic: string): Promise<readonly LogSpan[]> {
    const count = (await this.#partitionsOf(topic)).length;
    const ends = await this.#offsetsAt(topic, count, LATEST);
    const firsts = await this.#offsetsAt(topic, count, EARLIEST);
    return spansIn([...ends].map(([partition, end]) => ({ partition, first: firsts.get(partition) ?? end, end })));
  }

  async committed(group: string, topic: string): Promise<readonly (number | undefined)[]> {
    const count = (await this.#partitionsOf(topic)).length;
    const partitionIndexes = Array.from({ length: count }, (_, partition) => partition);
    const groups = await this.#call('Kafka does not say what a group has committed', (admin) =>
      admin.listConsumerGroupOffsets({ groups: [{ groupId: group, topics: [{ name: topic, partitionIndexes }] }] }),
    );
    const found = groups.find(({ groupId }) => groupId === group)?.topics.find(({ name }) => name === topic);
    return committedIn(
      (found?.partitions ?? []).map(({ partitionIndex, committedOffset }) => ({
        partition: partitionIndex,
        offset: Number(committedOffset),
      })),
    );
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#drop();
  }

  async #partitionsOf(topic: string) {
    const { topics } = await this.#call('Kafka does not describe a topic', (admin) =>
      admin.metadata({ topics: [topic], forceUpdate: true }),
    );
    return topics.get(topic)?.partitions ?? [];
  }

  async #offsetsAt(topic: string, count: number, timestamp: bigint): Promise<ReadonlyMap<number, number>> {
    const partitions = Array.from({ length: count }, (_, partitionIndex) => ({ partitionIndex, timestamp }));
    const listed = await this.#call('Kafka does not say how long a topic is', (admin) =>
      admin.listOffsets({ topics: [{ name: topic, partitions }] }),
    );
    const found = listed.find(({ name }) => name === topic)?.partitions ?? [];
    return new Map(found.map(({ partitionIndex, offset }) => [partitionIndex, Number(offset)]));
  }

  /** After any failure the next call begins with connections of its own. */
  async #call<T>(message: string, work: (admin: Admin) => Promise<T>): Promise<T> {
    if (this.#isClosed) throw new MooringError('LOG_FAILED', message, { context: { reason: 'closed' } });
    this.#admin ??= new Admin(this.#options.base);
    const admin = this.#admin;
    try {
      return await this.#options.ask(message, ASK_MS, () => work(admin));
    } catch (error) {
      if (!isUnknownTopic(error)) await this.#drop();
      throw error;
    }
  }

  async #drop(): Promise<void> {
    const admin = this.#admin;
    this.#admin = undefined;
    if (admin === undefined) return;
    await this.#options.ask('Kafka holds the connection', CLOSE_MS, () => admin.close()).catch(() => undefined);
  }
}
