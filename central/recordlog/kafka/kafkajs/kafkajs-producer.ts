import assert from 'node:assert/strict';
import type { Kafka, Producer } from 'kafkajs';
import type { KafkaMessage, KafkaProducer, Produced } from '../client.ts';
import type { Ask } from '../failure.ts';
import { countsOf, producedOf } from '../produced.ts';

const CONNECT_MS = 15_000;
/** Three tries of 5 s each, and what is between them. */
const SEND_MS = 20_000;
const CLOSE_MS = 3000;
/** `-1`: every replica that is in sync. */
const ACKS_ALL = -1;
/** How long the broker may wait for its replicas, in milliseconds: less than a request may take. */
const REPLICAS_MS = 4000;

/**
 * After a failed produce the package goes back in its sequence: what is sent next under the same number is acknowledged as
 * a duplicate, and stored nowhere. So there is never a second `send` under way, and none after one that was rejected.
 */
export class KafkaJsProducer implements KafkaProducer {
  readonly #producer: Producer;
  readonly #ask: Ask;
  #sending: Promise<unknown> | undefined;
  #isSpent = false;

  private constructor(producer: Producer, ask: Ask) {
    this.#producer = producer;
    this.#ask = ask;
  }

  static async connect(kafka: Kafka, ask: Ask): Promise<KafkaJsProducer> {
    const producer = kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      createPartitioner:
        () =>
        ({ message: { partition } }) => {
          assert(partition !== undefined && partition !== null, 'every message comes with its partition');
          return partition;
        },
    });
    const connected = new KafkaJsProducer(producer, ask);
    try {
      await ask('Kafka takes no producer', CONNECT_MS, () => producer.connect());
    } catch (error) {
      await connected.close();
      throw error;
    }
    return connected;
  }

  async send(messages: readonly KafkaMessage[]): Promise<readonly Produced[]> {
    assert(this.#sending === undefined && !this.#isSpent, 'one send at a time, and none after a rejection');
    const counts = countsOf(messages);
    const topicMessages = [...counts.keys()].map((topic) => ({
      topic,
      messages: messages.filter((message) => message.topic === topic),
    }));
    this.#isSpent = true;
    const sending = (): Promise<Awaited<ReturnType<Producer['sendBatch']>>> => {
      const work = this.#producer.sendBatch({ acks: ACKS_ALL, timeout: REPLICAS_MS, topicMessages });
      this.#sending = work;
      return work;
    };
    const answers = await this.#ask('Kafka did not take the records', SEND_MS, sending);
    const produced = producedOf(
      counts,
      answers.map(({ topicName, partition, baseOffset }) => ({
        topic: topicName,
        partition,
        offset: Number(baseOffset),
      })),
    );
    this.#sending = undefined;
    this.#isSpent = false;
    return produced;
  }

  /** A `send` that was given up goes on inside the package, which connects again for it: once it has ended, again. */
  async close(): Promise<void> {
    this.#isSpent = true;
    const disconnect = async (): Promise<void> => {
      await this.#ask('Kafka holds the producer', CLOSE_MS, () => this.#producer.disconnect()).catch(() => undefined);
    };
    if (this.#sending !== undefined) void this.#sending.catch(() => undefined).then(disconnect);
    await disconnect();
  }
}
