import { type Clock, withDeadline } from '../../../runtime/clock.ts';
import { MooringError } from '../../../runtime/errors.ts';
import type { Log } from '../../../runtime/log.ts';
import type { Random } from '../../../runtime/random.ts';
import { type Disk, nodeDisk } from '../../sinks/disk.ts';
import { AdminSession } from './admin-session.ts';
import type { KafkaAdmin, KafkaClient, KafkaProducer } from './client.ts';
import type { Produce, ProduceOutcome } from './produce-request.ts';
import { ProducerLine } from './producer-line.ts';
import { openTopics, type TopicsSpec } from './topics.ts';
import { LogWatch } from './watch.ts';

export interface LogLinkOptions {
  readonly client: KafkaClient;
  readonly topics: TopicsSpec;
  /** The centre's own folder: what is remembered of the log stands there. */
  readonly stateDir: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly disk?: Disk;
  /** `LOG_UNFIT` or `LOG_CHANGED`: nothing is produced any more. Called once. */
  readonly onFatal: (error: MooringError) => void;
}

/** How long what looks like another log, or one that is not fit, is given to look right again, in milliseconds. */
const CONFIRM_MS = 4000;
/** Longer than a client takes to make a producer, or to say that it cannot. */
const CREATE_MS = 20_000;
const SAVE_EVERY_MS = 5000;
const SAVES_PER_CHECK = 6;

/**
 * Produces to the topics of one log, which it opens, and knows again for ever: at each new producer, every 30 s, and by
 * every offset that it is told.
 */
export class LogLink {
  readonly #options: LogLinkOptions;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #admin: AdminSession;
  readonly #watch: LogWatch;
  readonly #line: ProducerLine;
  readonly #aborted = new AbortController();
  readonly #ready = Promise.withResolvers<void>();
  #messageBytesMax: ReadonlyMap<string, number> = new Map();
  #patrol: Promise<void> = Promise.resolve();
  #fatal: MooringError | undefined;

  constructor(options: LogLinkOptions) {
    const { client, clock, random, log, stateDir, disk = nodeDisk } = options;
    this.#options = options;
    this.#clock = clock;
    this.#log = log;
    this.#admin = new AdminSession(client, clock);
    this.#watch = new LogWatch(disk, stateDir, log);
    this.#line = new ProducerLine({
      sendsAtOnce: client.sendsAtOnce,
      connect: () => this.#connect(),
      messageBytesMax: (topic) => this.#messageBytesMax.get(topic) ?? 0,
      beginSend: () => this.#watch.beginSend(),
      onFatal: (error) => this.#end(error),
      clock,
      random,
      log,
    });
  }

  /** Why nothing is produced any more. */
  get fatal(): MooringError | undefined {
    return this.#fatal;
  }

  /** Resolves when the log has been found as it should be for the first time. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Begins to connect; resolves at once, also where there is no Kafka. */
  async open(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await this.#watch.open();
    this.#line.open();
    this.#patrol = this.#keepWatch(this.#aborted.signal);
  }

  /** As `ProducerLine.produce`. */
  produce(given: Produce): Promise<ProduceOutcome> {
    return this.#line.produce(given);
  }

  /** Somebody says that an offset of a topic was durable: if it is not, that is noticed. */
  note(topic: string, partition: number, offset: number): void {
    this.#watch.note(topic, partition, offset);
  }

  /** Compares the log with what is known of it. Never rejects: what it finds ends the link. */
  async check(): Promise<void> {
    if (!this.#line.isUp) return;
    try {
      await this.#admin.ask((admin) => this.#look(admin));
    } catch (error) {
      if (!(error instanceof MooringError)) throw error;
      // Nothing is produced before it was looked at again; a Kafka that is away is noticed by who sends.
      if (error.code !== 'LOG_FAILED') this.#line.renew();
    }
  }

  /** Finishes what was accepted, as far as that goes, then lets go. */
  async close(): Promise<void> {
    await this.#line.close();
    this.#aborted.abort();
    await this.#patrol;
    await this.#watch.save();
    this.#admin.close();
  }

  async #connect(): Promise<KafkaProducer> {
    await this.#prove();
    this.#ready.resolve();
    const making = this.#options.client.createProducer();
    try {
      return await withDeadline(this.#clock, CREATE_MS, making, () => {
        return new MooringError('LOG_FAILED', 'the client has made no producer');
      });
    } catch (error) {
      making.then((late) => late.close()).catch(() => undefined);
      throw error;
    }
  }

  /** A broker that has just started may not know all its topics yet: whatever looks wrong is looked at twice. */
  async #prove(): Promise<void> {
    try {
      await this.#admin.ask((admin) => this.#look(admin));
    } catch (error) {
      if (!(error instanceof MooringError) || error.code === 'LOG_FAILED') throw error;
      this.#log.warn({ err: error }, 'the log does not look as it should: looking again');
      await this.#clock.sleep(CONFIRM_MS, this.#aborted.signal);
      await this.#admin.ask((admin) => this.#look(admin));
    }
    // What is made or found for the first time is remembered before the first record goes there.
    await this.#watch.save();
  }

  async #look(admin: KafkaAdmin): Promise<void> {
    const { topics } = this.#options;
    const names = Object.values(topics.names);
    try {
      const cluster = await this.#watch.checkCluster(admin);
      const { messageBytesMax } = await openTopics(admin, topics, this.#watch.topics);
      await this.#watch.checkEnds(admin, names);
      this.#messageBytesMax = messageBytesMax;
      this.#watch.adopt(cluster, names);
    } catch (error) {
      throw error instanceof MooringError ? this.#placed(this.#watch.explain(error)) : error;
    }
  }

  /** A Kafka that cannot be asked is looked for where the configuration says: its place goes along. */
  #placed(error: MooringError): MooringError {
    if (error.code !== 'LOG_FAILED' || error.hint !== undefined) return error;
    return new MooringError(error.code, error.message, {
      cause: error.cause,
      context: { ...error.context, brokers: this.#options.topics.brokers },
      hint: 'Is Kafka running, and does `kafka.brokers` say where?',
    });
  }

  async #keepWatch(signal: AbortSignal): Promise<void> {
    for (let saves = 1; ; saves += 1) {
      try {
        await this.#clock.sleep(SAVE_EVERY_MS, signal);
      } catch (error) {
        if (signal.aborted) return;
        throw error;
      }
      await this.#watch.save();
      if (saves % SAVES_PER_CHECK === 0) await this.check();
    }
  }

  #end(error: MooringError): void {
    this.#fatal = error;
    this.#options.onFatal(error);
  }
}
