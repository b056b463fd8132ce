import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { RunId } from '../protocol/ids.ts';
import { type Clock, withDeadline } from '../runtime/clock.ts';
import { MooringError } from '../runtime/errors.ts';
import type { Log } from '../runtime/log.ts';
import type { MountLock } from '../runtime/mount-lock.ts';
import type { Random } from '../runtime/random.ts';
import { DEAD_LETTER_FOLDER, MARKS_FOLDER, STATE_LOCK } from './config/places.ts';
import type { CentralConfig, KafkaConfig, SinkConfig } from './config/types.ts';
import type { ForeignOutlets } from './foreign-ways.ts';
import { DeadLetterFiles, type DeadLetters } from './ingest/dead-letter.ts';
import { createFilesSink } from './manifests/manifested-files.ts';
import type { KafkaClient } from './recordlog/kafka/client.ts';
import { createKafkaClient } from './recordlog/kafka/clients.ts';
import { KafkaDeadLetters } from './recordlog/kafka/dead-letters.ts';
import { KafkaForeignLetters, KafkaForeignLog } from './recordlog/kafka/foreign-records.ts';
import { KafkaRecordLog, type KafkaRecordLogOptions } from './recordlog/kafka/kafka-recordlog.ts';
import { LogLink } from './recordlog/kafka/log-link.ts';
import { type TopicsSpec, topicNamesOf } from './recordlog/kafka/topics.ts';
import type { HeldRecords, LogEntry, LogOutcome } from './recordlog/recordlog.ts';
import type { DailyJobs } from './schedule/daily-job.ts';
import { AckLogFeed } from './sinks/ack-log/ack-log-feed.ts';
import type { Disk } from './sinks/disk.ts';
import type { Feed } from './sinks/feed/feed.ts';
import { FeedMark } from './sinks/feed/feed-mark.ts';
import { SinkFeed } from './sinks/feed/sink-feed.ts';
import { createStore } from './sinks/remote/create-store.ts';
import { RemoteFeed } from './sinks/remote/remote-feed.ts';
import { type SinkStatus, type Storage, statusOf } from './storage.ts';

export interface KafkaStorageOptions {
  readonly config: CentralConfig & { readonly kafka: KafkaConfig };
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly disk: Disk;
  readonly jobs: DailyJobs;
  /** Sinks that may go on with the earliest records that there are, where those that they were to read next are gone. */
  readonly resume?: readonly string[];
  /** One that speaks to the brokers when left out. */
  readonly createClient?: typeof createKafkaClient;
}

/** How long a letter that Kafka never takes may take to be durable in a file, in milliseconds. */
const LETTER_MS = 10_000;
/** Of records that are written to a store at once, as JSON: some stores take no larger request than a few times this. */
const WRITE_BYTES_MAX = 4 * 2 ** 20;

/**
 * Kafka between ingest and sinks. Nothing here waits for Kafka, and nothing for a sink: records come in while a sink is
 * away, and a sink reads on while nothing comes in.
 */
export class KafkaStorage implements Storage {
  readonly deadLetters: DeadLetters = { append: (letters) => this.#opened.deadLetters.append(letters) };
  readonly held?: HeldRecords;
  readonly #options: KafkaStorageOptions;
  readonly #letterFiles: DeadLetterFiles;
  readonly #failing = new AbortController();
  #lock: MountLock | undefined;
  #log: Producing | undefined;
  #recordLog: KafkaRecordLog | undefined;
  #onConcluded: (run: RunId) => void = () => undefined;
  #client: KafkaClient | undefined;
  #feeds: ReadonlyMap<string, SomeFeed> = new Map();

  constructor(options: KafkaStorageOptions) {
    const { config, clock, log, disk } = options;
    this.#options = options;
    this.#letterFiles = new DeadLetterFiles({ folder: join(config.stateDir, DEAD_LETTER_FOLDER), clock, log, disk });
    if (config.ack.length > 0) this.held = this.#heldRecords();
  }

  get failed(): AbortSignal {
    return this.#failing.signal;
  }

  /** Begins to connect; resolves also where there is no Kafka. Rejects with `LOCK_HELD` where another centre has the state. */
  async open(signal: AbortSignal): Promise<void> {
    const { config, clock, log, createClient = createKafkaClient } = this.#options;
    this.#lock = await this.#lockState();
    this.#letterFiles.openWhenNeeded(signal);
    const { client: kind, brokers } = config.kafka;
    const client = await createClient(kind, { brokers, clientId: 'mooring-central', clock, log });
    signal.throwIfAborted();
    this.#client = client;
    const opened = this.#produceWith(client);
    await opened.open(signal);
    const feeds = config.sinks.map(async (sink) => [sink.name, await this.#feedOf(sink, client, opened)] as const);
    this.#feeds = new Map(await Promise.all(feeds));
    signal.throwIfAborted();
    for (const feed of this.#feeds.values()) feed.start();
  }

  append(entry: LogEntry): Promise<LogOutcome> {
    assert(this.#recordLog !== undefined, 'nothing comes in before it is open, or where there is no way in');
    return this.#recordLog.append(entry);
  }

  foreign(): ForeignOutlets {
    const { config, clock } = this.#options;
    assert(this.#client !== undefined, 'asked for once it is open');
    const { prefix } = config.kafka;
    const shared = { link: this.#opened.link, topics: topicsOf(config.kafka), clock };
    const outlets = { recordLog: new KafkaForeignLog(shared), letters: new KafkaForeignLetters(shared) };
    return { ...outlets, client: this.#client, prefix };
  }

  isAcknowledged(run: RunId, sequence: number): boolean {
    return this.#recordLog?.isAcknowledged(run, sequence) ?? false;
  }

  /** Of the log once it is open; before, nothing is held. */
  #heldRecords(): HeldRecords {
    return {
      watch: (listener) => {
        this.#onConcluded = listener;
      },
      standing: (run, ranges) => this.#recordLog?.standing(run, ranges) ?? { stored: [], held: [], rejected: [] },
      adopt: (run) => this.#recordLog?.adopt(run) ?? [],
    };
  }

  sinks(): readonly SinkStatus[] {
    return this.#options.config.sinks.map((sink) => {
      const feed = this.#feeds.get(sink.name)?.status();
      return { ...statusOf(sink), ...(feed === undefined ? {} : { feed }) };
    });
  }

  async close(answered: Promise<void>): Promise<void> {
    try {
      await this.#log?.close();
      await answered;
    } finally {
      await this.#letterFiles.close();
      await this.#lock?.release();
    }
  }

  async leave(): Promise<void> {
    await Promise.all([...this.#feeds.values()].map((feed) => feed.close()));
  }

  /** Two that replace each other's memory of Kafka would each forget. A disk that takes no lock now stops nothing. */
  async #lockState(): Promise<MountLock | undefined> {
    const { config, disk, log } = this.#options;
    const folder = config.stateDir;
    try {
      await disk.makeFolder(folder);
      return await disk.lock(join(folder, STATE_LOCK));
    } catch (error) {
      if (error instanceof MooringError && error.code === 'LOCK_HELD') {
        const hint = 'Give each copy of the centre a `state` of its own.';
        throw new MooringError('LOCK_HELD', 'another centre uses this `state`', {
          cause: error,
          context: { folder },
          hint,
        });
      }
      log.warn({ err: error, folder }, 'the `state` cannot be locked: no other centre may use it');
      return undefined;
    }
  }

  get #opened(): Producing {
    assert(this.#log !== undefined, 'opened before anything is appended');
    return this.#log;
  }

  /** The record log where anything comes in; else the dead letter alone, for what a sink cannot take. */
  #produceWith(client: KafkaClient): Producing {
    const { config, clock, random, log, disk } = this.#options;
    const { stateDir, kafka, ack, ingest } = config;
    const shared: Omit<KafkaRecordLogOptions, 'ack'> = {
      client,
      topics: topicsOf(kafka),
      prefix: kafka.prefix,
      stateDir,
      letterFiles: this.#patientFiles(),
      clock,
      random,
      log,
      disk,
      onFatal: (error) => this.#fail(error),
    };
    if (ingest.mqtt === undefined && ingest.udp === undefined) {
      const link = new LogLink(shared);
      const deadLetters = new KafkaDeadLetters({ ...shared, link, files: shared.letterFiles });
      const { ready } = link;
      this.#log = { link, deadLetters, ready, open: (signal) => link.open(signal), close: () => link.close() };
    } else {
      const groups = ack.map((sink) => groupOf(kafka, sink));
      this.#recordLog = new KafkaRecordLog({ ...shared, ack: groups.length === 0 ? 'log' : { groups } });
      this.#recordLog.watch((run) => this.#onConcluded(run));
      this.#log = this.#recordLog;
    }
    return this.#log;
  }

  async #feedOf(sink: SinkConfig, client: KafkaClient, { deadLetters, ready }: Producing): Promise<SomeFeed> {
    const { config, clock, random, log, disk, jobs, resume = [] } = this.#options;
    const { kafka } = config;
    const { records, acks } = topicNamesOf(kafka.prefix);
    const shared = {
      client,
      partitions: kafka.partitions,
      group: groupOf(kafka, sink.name),
      deadLetters,
      ready,
      clock,
      random,
      log,
      resumeAtEarliest: resume.includes(sink.name),
      onFatal: (error: MooringError) => this.#fail(error),
    };
    if (sink.kind === 'ack_log') return new AckLogFeed({ ...shared, ...sink, topic: acks, disk });
    const ofRecords = { ...shared, topic: records };
    if (sink.kind === 'files')
      return new SinkFeed({ ...ofRecords, sink: createFilesSink(sink, { clock, log, disk, jobs }) });
    const { batch: recordsMax, lingerMs, take } = sink;
    const store = await createStore(sink, { clock, random, log, jobs, kafka, client });
    const mark = new FeedMark({ disk, folder: join(config.stateDir, MARKS_FOLDER), name: sink.name, clock, log });
    const batch = { recordsMax, bytesMax: WRITE_BYTES_MAX, lingerMs };
    return new RemoteFeed({ ...ofRecords, store, mark, take, batch });
  }

  /** Another process that has the folder must not hold up what waits here. */
  #patientFiles(): DeadLetters {
    const late = (): MooringError => new MooringError('SINK_FAILED', 'the dead letter takes too long');
    return {
      append: (letters) => withDeadline(this.#options.clock, LETTER_MS, this.#letterFiles.append(letters), late),
    };
  }

  #fail(error: MooringError): void {
    this.#failing.abort(error);
  }
}

/** What a centre writes to Kafka with. */
interface Producing extends Pick<KafkaRecordLog, 'link' | 'deadLetters' | 'ready' | 'open' | 'close'> {}

type SomeFeed = Pick<Feed<unknown>, 'start' | 'status' | 'close'>;

function topicsOf({ prefix, partitions, replication, retentionMs, brokers }: KafkaConfig): TopicsSpec {
  return { names: topicNamesOf(prefix), partitions, replication, retentionMs, brokers };
}

function groupOf({ prefix }: KafkaConfig, sink: string): string {
  return `${prefix}.${sink}`;
}
