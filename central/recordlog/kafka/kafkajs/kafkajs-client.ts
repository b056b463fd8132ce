import kafkajs, { type Kafka, type LogEntry } from 'kafkajs';
import type { KafkaAdmin, KafkaClient, KafkaConsumer, KafkaConsumerOptions, KafkaProducer } from '../client.ts';
import type { KafkaClientOptions } from '../clients.ts';
import { type Ask, asking } from '../failure.ts';
import { LastingConsumer } from '../lasting-consumer.ts';
import { kafkaJsFinding } from './finding.ts';
import { KafkaJsAdmin } from './kafkajs-admin.ts';
import { KafkaJsMember } from './kafkajs-member.ts';
import { KafkaJsProducer } from './kafkajs-producer.ts';
import { mendRequestQueue } from './request-queue.ts';

/** Both are needed: with the package's own patience a call to a hung broker takes minutes. */
const NETWORK = {
  connectionTimeout: 2000,
  requestTimeout: 5000,
  enforceRequestTimeout: true,
  retry: { retries: 2, initialRetryTime: 200, maxRetryTime: 1000 },
} as const;

/** Called with each line of the package's own log. What it throws, the package's code at that place throws. */
export type OnLogLine = (line: LogEntry) => void;

/** kafkajs 2.2.4, with what it takes to be safe (docs/decisions.md). */
export class KafkaJsClient implements KafkaClient {
  readonly kind = 'kafkajs';
  readonly sendsAtOnce = 1;
  readonly #options: KafkaClientOptions;
  readonly #ask: Ask;

  constructor(options: KafkaClientOptions) {
    mendRequestQueue();
    this.#options = options;
    this.#ask = asking(options.clock, kafkaJsFinding);
  }

  createAdmin(): KafkaAdmin {
    const kafka = this.#kafka();
    const { clock } = this.#options;
    return new KafkaJsAdmin({ createAdmin: () => kafka.admin({ retry: NETWORK.retry }), ask: this.#ask, clock });
  }

  async createProducer(): Promise<KafkaProducer> {
    return await KafkaJsProducer.connect(this.#kafka(), this.#ask);
  }

  createConsumer(consumer: KafkaConsumerOptions): KafkaConsumer {
    const { clock, log } = this.#options;
    return new LastingConsumer({
      consumer,
      createMember: (events) =>
        new KafkaJsMember({ consumer, events, ask: this.#ask, createKafka: (onLogLine) => this.#kafka(onLogLine) }),
      admin: this.createAdmin(),
      clock,
      log,
    });
  }

  /** Its log tells every attempt: for who looks for it. */
  #kafka(onLogLine?: OnLogLine): Kafka {
    const { brokers, clientId, log } = this.#options;
    return new kafkajs.Kafka({
      ...NETWORK,
      brokers: [...brokers],
      clientId,
      logLevel: kafkajs.logLevel.WARN,
      logCreator: () => (line) => {
        const { message, error } = line.log;
        log.debug({ from: line.namespace, message, error: String(error ?? '') }, 'kafkajs has something to say');
        onLogLine?.(line);
      },
    });
  }
}
