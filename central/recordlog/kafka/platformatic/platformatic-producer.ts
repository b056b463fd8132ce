import { type BaseOptions, ProduceAcks, Producer } from '@platformatic/kafka';
import { MooringError } from '../../../../runtime/errors.ts';
import type { KafkaMessage, KafkaProducer, Produced } from '../client.ts';
import type { Ask } from '../failure.ts';
import { countsOf, producedOf } from '../produced.ts';

const CONNECT_MS = 15_000;
/** Three tries of 5 s each, and what is between them. */
const SEND_MS = 20_000;
const CLOSE_MS = 3000;

export class PlatformaticProducer implements KafkaProducer {
  readonly #producer: Producer;
  readonly #ask: Ask;

  private constructor(producer: Producer, ask: Ask) {
    this.#producer = producer;
    this.#ask = ask;
  }

  static async connect(base: BaseOptions, ask: Ask): Promise<PlatformaticProducer> {
    const producer = new Producer({ ...base, idempotent: true, acks: ProduceAcks.ALL });
    const connected = new PlatformaticProducer(producer, ask);
    try {
      await ask('Kafka takes no producer', CONNECT_MS, () => producer.initIdempotentProducer({}));
    } catch (error) {
      await connected.close();
      throw error;
    }
    return connected;
  }

  async send(messages: readonly KafkaMessage[]): Promise<readonly Produced[]> {
    const counts = countsOf(messages);
    const { offsets = [] } = await this.#ask('Kafka did not take the records', SEND_MS, async () => {
      await this.#requirePartitions(counts);
      return await this.#producer.send({
        acks: ProduceAcks.ALL,
        messages: messages.map(({ topic, partition, key, value }) => ({
          topic,
          partition,
          key: Buffer.from(key),
          value: Buffer.from(value),
        })),
      });
    });
    return producedOf(
      counts,
      offsets.map(({ topic, partition, offset }) => ({ topic, partition, offset: Number(offset) })),
    );
  }

  async close(): Promise<void> {
    await this.#ask('Kafka holds the producer', CLOSE_MS, () => this.#producer.close()).catch(() => undefined);
  }

  /** The package puts what belongs to a partition that is not there into another one. */
  async #requirePartitions(counts: ReturnType<typeof countsOf>): Promise<void> {
    const { topics } = await this.#producer.metadata({ topics: [...counts.keys()] });
    for (const [topic, partitions] of counts) {
      const known = topics.get(topic)?.partitionsCount ?? 0;
      for (const partition of partitions.keys()) {
        if (partition < known) continue;
        const context = { reason: 'unknown_partition', topic, partition };
        throw new MooringError('LOG_FAILED', 'a topic has fewer partitions than was thought', { context });
      }
    }
  }
}
