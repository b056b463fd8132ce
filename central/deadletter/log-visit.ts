import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, withDeadline } from '../../runtime/clock.ts';
import { MooringError } from '../../runtime/errors.ts';
import type { Log } from '../../runtime/log.ts';
import type { Random } from '../../runtime/random.ts';
import type { KafkaConfig } from '../config/types.ts';
import type { KafkaClient } from '../recordlog/kafka/client.ts';
import { LogLink } from '../recordlog/kafka/log-link.ts';
import { type TopicsSpec, topicNamesOf } from '../recordlog/kafka/topics.ts';

export interface LogVisitOptions {
  readonly client: KafkaClient;
  readonly kafka: KafkaConfig;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

const READY_MS = 30_000;

/**
 * The log for a verb that writes a little beside a centre that may be running: what a centre remembers of its log in `state`
 * stays the centre's, and is kept for this visit in a folder that goes with it.
 */
export class LogVisit {
  readonly topics: TopicsSpec;
  readonly link: Pick<LogLink, 'produce'>;
  readonly #link: LogLink;
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #fatal = Promise.withResolvers<never>();

  constructor({ client, kafka, clock, random, log }: LogVisitOptions) {
    const { prefix, partitions, replication, retentionMs, brokers } = kafka;
    this.topics = { names: topicNamesOf(prefix), partitions, replication, retentionMs, brokers };
    this.#clock = clock;
    this.#folder = mkdtempSync(join(tmpdir(), 'mooring-visit-'));
    this.#fatal.promise.catch(() => undefined);
    const onFatal = this.#fatal.reject;
    this.#link = new LogLink({ client, topics: this.topics, stateDir: this.#folder, clock, random, log, onFatal });
    this.link = this.#link;
  }

  /** Resolves when the log is there and as it should be. Rejects with `LOG_FAILED` and `LOG_UNFIT`; `close` has to follow. */
  async open(signal: AbortSignal): Promise<void> {
    await this.#link.open(signal);
    const ready = Promise.race([this.#link.ready, this.#fatal.promise]);
    await withDeadline(this.#clock, READY_MS, ready, () => new MooringError('LOG_FAILED', 'Kafka is not there'));
  }

  async close(): Promise<void> {
    await this.#link.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
