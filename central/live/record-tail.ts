import { aborted } from '../../runtime/aborted.ts';
import { Backoff } from '../../runtime/backoff.ts';
import type { Clock } from '../../runtime/clock.ts';
import { MooringError } from '../../runtime/errors.ts';
import type { Log } from '../../runtime/log.ts';
import type { Random } from '../../runtime/random.ts';
import { AdminSession } from '../recordlog/kafka/admin-session.ts';
import type { ConsumedMessage, KafkaClient } from '../recordlog/kafka/client.ts';
import type { FlatRecord } from '../recordlog/recordlog.ts';
import { storeRecordOf } from '../sinks/feed/topic-record.ts';

export interface RecordTailOptions {
  readonly createClient: () => Promise<KafkaClient>;
  /** Of records. */
  readonly topic: string;
  readonly prefix: string;
  readonly onRecord: (flat: FlatRecord, json: string) => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** A broker that never had a group has to make a place for the first one, and lets it in a moment later. */
const FAILURES_TOLD = 3;
const RETRY = { firstMs: 500, maxMs: 30_000 };

/**
 * Reads the records of all copies of the centre as they come, from the end of the topic on, in a group of its own in whose
 * name nothing is ever committed. For ever, whatever happens to Kafka; what comes while it is away is not read later.
 */
export class RecordTail {
  readonly #options: RecordTailOptions;
  readonly #backoff: Backoff;
  readonly #aborted = new AbortController();
  #work: Promise<void> = Promise.resolve();
  /** In a row. */
  #failures = 0;

  constructor(options: RecordTailOptions) {
    this.#options = options;
    this.#backoff = new Backoff(RETRY, options.random);
  }

  /** Begins, and returns at once. */
  start(): void {
    this.#work = this.#run(this.#aborted.signal);
  }

  async close(): Promise<void> {
    this.#aborted.abort();
    await this.#work;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { createClient, clock } = this.#options;
    const client = await createClient();
    const admin = new AdminSession(client, clock);
    while (!signal.aborted) {
      try {
        await this.#follow(client, admin, signal);
      } catch (error) {
        this.#lost(error);
      }
      if (!signal.aborted) await clock.sleep(this.#backoff.nextMs(), signal).catch(() => undefined);
    }
    admin.close();
  }

  /** One membership of the group, from its beginning to its end. */
  async #follow(client: KafkaClient, admin: AdminSession, signal: AbortSignal): Promise<void> {
    const { topic, prefix, random } = this.#options;
    // A client may make a topic that it asks for: only the record log may.
    if ((await admin.ask((asked) => asked.describeTopic(topic))) === undefined) {
      throw new MooringError('LOG_FAILED', 'there is no such topic yet', { context: { topic } });
    }
    const failed = Promise.withResolvers<never>();
    failed.promise.catch(() => undefined);
    const consumer = client.createConsumer({
      group: `${prefix}.live.${Buffer.from(random.bytes(8)).toString('hex')}`,
      topic,
      positions: async (partitions) => {
        const spans = await admin.ask((asked) => asked.offsets(topic));
        return new Map(partitions.map((partition) => [partition, spans[partition]?.end ?? 0]));
      },
      onMessages: (_, messages) => this.#read(messages),
      onRevoked: () => undefined,
      onFailed: failed.reject,
    });
    try {
      await consumer.open(signal);
      this.#worked();
      await Promise.race([failed.promise, aborted(signal)]);
    } finally {
      await consumer.close();
    }
  }

  #read(messages: readonly ConsumedMessage[]): void {
    for (const { value } of messages) {
      try {
        const { flat, json } = storeRecordOf(value);
        this.#options.onRecord(flat, json);
      } catch (error) {
        // The sinks put it into the dead letter.
        if (!(error instanceof MooringError)) throw error;
      }
    }
  }

  #worked(): void {
    if (this.#failures >= FAILURES_TOLD) this.#options.log.info({}, 'the live feed reads the log again');
    this.#failures = 0;
    this.#backoff.reset();
  }

  #lost(error: unknown): void {
    if (this.#aborted.signal.aborted) return;
    if (!(error instanceof MooringError)) throw error;
    this.#failures += 1;
    if (this.#failures === FAILURES_TOLD) {
      this.#options.log.warn({ err: error }, 'the live feed does not read the log; trying again');
    }
  }
}
