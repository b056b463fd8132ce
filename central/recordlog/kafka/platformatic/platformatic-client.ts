import type { BaseOptions } from '@platformatic/kafka';
import type { KafkaAdmin, KafkaClient, KafkaConsumer, KafkaConsumerOptions, KafkaProducer } from '../client.ts';
import type { KafkaClientOptions } from '../clients.ts';
import { type Ask, asking } from '../failure.ts';
import { LastingConsumer } from '../lasting-consumer.ts';
import { platformaticFinding } from './finding.ts';
import { PlatformaticAdmin } from './platformatic-admin.ts';
import { PlatformaticMember } from './platformatic-member.ts';
import { PlatformaticProducer } from './platformatic-producer.ts';

/** @platformatic/kafka 2.12.1. */
export class PlatformaticClient implements KafkaClient {
  readonly kind = 'platformatic';
  /**
   * It would take several without risk, as it fixes the sequence of a batch with its first try. But what waits for one
   * send goes together in the next: five at once are five small ones, five syncs of the broker, and a third fewer records
   * a second for a quarter more processor time (`npm run bench -- kafka-ingest`).
   */
  readonly sendsAtOnce = 1;
  readonly #options: KafkaClientOptions;
  readonly #ask: Ask;

  constructor(options: KafkaClientOptions) {
    this.#options = options;
    this.#ask = asking(options.clock, platformaticFinding);
  }

  createAdmin(): KafkaAdmin {
    return new PlatformaticAdmin({ base: this.#base, ask: this.#ask, clock: this.#options.clock });
  }

  async createProducer(): Promise<KafkaProducer> {
    return await PlatformaticProducer.connect(this.#base, this.#ask);
  }

  createConsumer(consumer: KafkaConsumerOptions): KafkaConsumer {
    const { clock, log } = this.#options;
    return new LastingConsumer({
      consumer,
      createMember: (events) =>
        new PlatformaticMember({ consumer, events, base: this.#base, ask: this.#ask, clock, log }),
      admin: this.createAdmin(),
      clock,
      log,
    });
  }

  /** Retries are given as a number: left out, an idempotent producer tries for ever, and a call never ends. */
  get #base(): BaseOptions {
    const { brokers, clientId } = this.#options;
    return {
      clientId,
      bootstrapBrokers: [...brokers],
      connectTimeout: 2000,
      requestTimeout: 5000,
      timeout: 4000,
      retries: 2,
      retryDelay: 300,
      autocreateTopics: false,
    };
  }
}
