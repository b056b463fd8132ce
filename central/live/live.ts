import type { Clock } from '../../runtime/clock.ts';
import type { Log } from '../../runtime/log.ts';
import type { Random } from '../../runtime/random.ts';
import type { LiveConfig } from '../config/live.ts';
import type { KafkaConfig } from '../config/types.ts';
import { createKafkaClient } from '../recordlog/kafka/clients.ts';
import { topicNamesOf } from '../recordlog/kafka/topics.ts';
import { jsonOf, type LogEntry } from '../recordlog/recordlog.ts';
import { LiveHub, type LiveStatus } from './live-hub.ts';
import { LiveServer } from './live-server.ts';
import { RecordTail } from './record-tail.ts';

export interface LiveOptions {
  readonly config: LiveConfig;
  /** Undefined: records are told by whoever has them, with `took`. */
  readonly kafka: KafkaConfig | undefined;
  readonly createClient?: typeof createKafkaClient | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** The live feed: records as they come, to whoever listens. */
export class Live {
  readonly #hub: LiveHub;
  readonly #server: LiveServer;
  readonly #tail: RecordTail | undefined;

  constructor(options: LiveOptions) {
    const { config, clock } = options;
    const log = options.log.child({ part: 'live' });
    this.#hub = new LiveHub({ clock, historyMs: config.historyMs, queueBytes: config.queueBytes });
    this.#server = new LiveServer({ config, hub: this.#hub, clock, log });
    this.#tail = this.#tailOf({ ...options, log });
  }

  status(): LiveStatus {
    return { ...this.#hub.status(), address: this.#server.address };
  }

  /** Throws as `LiveServer.open`. */
  async open(): Promise<void> {
    await this.#server.open();
    this.#tail?.start();
  }

  /** Records that were just stored, where no Kafka tells of them. */
  took({ records }: Pick<LogEntry, 'records'>): void {
    if (this.#tail !== undefined) return;
    for (const record of records) this.#hub.publish(record.flat, jsonOf(record));
  }

  async close(): Promise<void> {
    await this.#server.close();
    this.#hub.close();
    await this.#tail?.close();
  }

  #tailOf({ kafka, createClient = createKafkaClient, clock, random, log }: LiveOptions): RecordTail | undefined {
    if (kafka === undefined) return undefined;
    const { client, brokers, prefix } = kafka;
    return new RecordTail({
      createClient: () => createClient(client, { brokers, clientId: 'mooring-live', clock, log }),
      topic: topicNamesOf(prefix).records,
      prefix,
      onRecord: (flat, json) => this.#hub.publish(flat, json),
      clock,
      random,
      log,
    });
  }
}
