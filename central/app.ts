import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type Clock, withDeadline } from '../runtime/clock.ts';
import type { ListenAddress } from '../runtime/config/values.ts';
import { MooringError } from '../runtime/errors.ts';
import type { Log } from '../runtime/log.ts';
import type { Random } from '../runtime/random.ts';
import { StateFile } from '../runtime/state-file.ts';
import { DAILY_AT, minutesOf } from './config/daily.ts';
import { SCHEDULE_FILE } from './config/places.ts';
import type { CentralConfig } from './config/types.ts';
import { DirectStorage } from './direct-storage.ts';
import { type ForeignOutlets, type ForeignStatus, ForeignWays } from './foreign-ways.ts';
import { BrokerLink } from './ingest/broker-link.ts';
import { EmbeddedBroker } from './ingest/embedded-broker.ts';
import type { BatchReceiver, Ingest, IngestStatus } from './ingest/ingest.ts';
import { Intake, type IntakeStats } from './ingest/intake.ts';
import { UdpIngest } from './ingest/udp/udp-ingest.ts';
import { KafkaStorage, type KafkaStorageOptions } from './kafka-storage.ts';
import { Live } from './live/live.ts';
import type { LiveStatus } from './live/live-hub.ts';
import { Metrics } from './metrics/metrics.ts';
import { ObservedLog } from './metrics/observed-log.ts';
import { type Cron, NodeCron } from './schedule/cron.ts';
import type { JobStatus } from './schedule/daily-job.ts';
import { type KeptSchedule, Schedule } from './schedule/schedule.ts';
import { type Disk, nodeDisk } from './sinks/disk.ts';
import type { SinkStatus, Storage } from './storage.ts';

export interface CentreOptions extends Pick<KafkaStorageOptions, 'createClient' | 'resume'> {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Where sinks, dead letter and state are; this machine's file system when left out. */
  readonly disk?: Disk;
  /** This machine's calendar when left out. */
  readonly cron?: Cron;
}

export interface CentreStatus {
  /** `starting` also while another copy holds a folder that this one waits for. */
  readonly state: 'new' | 'starting' | 'running' | 'stopped';
  /** The ways in, as they are configured. */
  readonly ingest: readonly IngestStatus[];
  readonly intake: IntakeStats;
  readonly sinks: readonly SinkStatus[];
  /** What is done once a day. */
  readonly jobs: readonly JobStatus[];
  /** Existing devices, where there are sources. */
  readonly foreign?: ForeignStatus;
  /** Where metrics are served. */
  readonly metrics?: ListenAddress;
  /** Where the live feed listens, and to whom it goes. */
  readonly live?: LiveStatus;
}

/** How long what was accepted may take to be stored and answered, once the centre stops, in milliseconds. */
const FINISH_MS = 3000;
/** How much of that what existing devices have said may take, and no gateway can be answered meanwhile, in milliseconds. */
const FOREIGN_MS = 2000;
/** How long the last acks may take to leave then, in milliseconds. */
const GOODBYE_MS = 1000;

/** The centre as one piece: opens from the sinks outwards, so that nothing is taken in before it can be stored. */
export class Centre {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #schedule: Schedule;
  readonly #storage: Storage;
  readonly #intake: Intake;
  readonly #metrics: Metrics | undefined;
  readonly #live: Live | undefined;
  readonly #ingests: readonly Ingest[];
  readonly #foreign: ForeignWays | undefined;
  readonly #aborted = new AbortController();
  #state: CentreStatus['state'] = 'new';
  #starting: Promise<void> = Promise.resolve();
  #stopping: Promise<void> | undefined;

  constructor(config: CentralConfig, options: CentreOptions) {
    const { clock, log } = options;
    this.#clock = clock;
    this.#log = log;
    this.#schedule = scheduleOf(config, options);
    this.#storage = storageOf(config, this.#schedule, options);
    this.#metrics = this.#metricsOf(config);
    const { live, kafka } = config;
    this.#live = live && new Live({ ...options, config: live, kafka });
    const listeners = [this.#metrics, this.#live].filter((one) => one !== undefined);
    this.#intake = new Intake({
      recordLog: listeners.length === 0 ? this.#storage : new ObservedLog(this.#storage, listeners),
      ledger: this.#storage,
      ...(this.#storage.held === undefined ? {} : { held: this.#storage.held }),
      deadLetters: this.#storage.deadLetters,
      clock,
      log,
      bytesMax: config.ingest.intakeBytesMax,
    });
    this.#ingests = ingestsOf(config, this.#metrics?.timed(this.#intake) ?? this.#intake, options);
    this.#foreign = foreignOf(config, this.#storage, options);
  }

  /** Aborted when the centre cannot go on: `stop` has to follow. The reason is a `MooringError`. */
  get failed(): AbortSignal {
    return this.#storage.failed;
  }

  /**
   * Resolves when batches are taken in. Without Kafka it waits while another process writes to one of the folders, and says
   * so in the log; with Kafka it waits for nobody.
   * Rejects with a `MooringError`, or with the signal's reason. Whatever happens, `stop` has to follow.
   */
  start(signal?: AbortSignal): Promise<void> {
    assert(this.#state === 'new', 'a centre is started once');
    this.#state = 'starting';
    this.#starting = this.#open(
      signal === undefined ? this.#aborted.signal : AbortSignal.any([this.#aborted.signal, signal]),
    );
    return this.#starting;
  }

  status(): CentreStatus {
    const metrics = this.#metrics?.address;
    const foreign = this.#foreign?.status();
    const live = this.#live?.status();
    return {
      ...(metrics === undefined ? {} : { metrics }),
      ...(live === undefined ? {} : { live }),
      state: this.#state,
      ingest: this.#ingests.map((ingest) => ingest.status()),
      intake: this.#intake.stats,
      sinks: this.#storage.sinks(),
      jobs: this.#schedule.status(),
      ...(foreign === undefined ? {} : { foreign }),
    };
  }

  /**
   * Stores and answers what was accepted, as far as that takes no more than three seconds, and closes everything within one
   * more.
   */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    this.#aborted.abort();
    await Promise.allSettled([this.#starting]);
    this.#state = 'stopped';
    const finishMs = this.#clock.monotonicMs() + FINISH_MS;
    const ended = this.#within(FINISH_MS, this.#schedule.close(), 'the centre stops in the middle of a daily job');
    const left = this.#within(FINISH_MS + GOODBYE_MS, this.#storage.leave(), 'the centre stops without its sinks');
    const fed = this.#within(FINISH_MS + GOODBYE_MS, this.#live?.close(), 'the centre stops without its live feed');
    const heard = this.#foreign?.close();
    await this.#within(FOREIGN_MS, heard, 'the centre stops without what existing devices have said last');
    const stored = this.#storage.close(this.#intake.close());
    const restMs = finishMs - this.#clock.monotonicMs();
    await this.#within(restMs, stored, 'the centre stops without what waits: gateways send it again');
    const said = Promise.all(this.#ingests.map((ingest) => ingest.close()));
    const told = this.#within(GOODBYE_MS, this.#metrics?.close(), 'the centre stops without having closed its metrics');
    await this.#within(GOODBYE_MS, said, 'the centre stops without having sent every ack');
    await Promise.all([ended, left, fed, told]);
    this.#log.info({}, 'the centre has stopped');
  }

  async #open(signal: AbortSignal): Promise<void> {
    await this.#metrics?.open();
    await this.#storage.open(signal);
    await this.#metrics?.restore();
    await this.#schedule.open();
    await this.#live?.open();
    for (const ingest of this.#ingests) await ingest.open(signal);
    await this.#foreign?.open(signal);
    this.#state = 'running';
  }

  #metricsOf({ metrics, ...config }: CentralConfig): Metrics | undefined {
    if (metrics === undefined) return undefined;
    return new Metrics({
      config: { ...config, metrics },
      status: () => this.status(),
      isAcknowledged: (run, sequence) => this.#storage.isAcknowledged(run, sequence),
      failed: this.failed,
      clock: this.#clock,
      log: this.#log,
    });
  }

  async #within(durationMs: number, work: Promise<unknown> | undefined, otherwise: string): Promise<void> {
    if (work === undefined) return;
    try {
      await withDeadline(this.#clock, durationMs, work, () => new MooringError('DEADLINE', otherwise));
    } catch (error) {
      if (!(error instanceof MooringError)) throw error;
      this.#log.warn({ err: error }, otherwise);
    }
  }
}

function scheduleOf({ stateDir, dailyAtMinutes }: CentralConfig, { clock, log, cron }: CentreOptions): Schedule {
  return new Schedule({
    atMinutes: dailyAtMinutes ?? minutesOf(DAILY_AT),
    file: new StateFile<KeptSchedule>(join(stateDir, SCHEDULE_FILE)),
    cron: cron ?? new NodeCron(log),
    clock,
    log,
  });
}

function storageOf(config: CentralConfig, jobs: Schedule, { disk = nodeDisk, ...options }: CentreOptions): Storage {
  const { kafka } = config;
  if (kafka !== undefined) return new KafkaStorage({ config: { ...config, kafka }, disk, jobs, ...options });
  return new DirectStorage({ config, disk, jobs, ...options });
}

function foreignOf(
  { foreign, stateDir }: CentralConfig,
  storage: Storage,
  { clock, random, log }: CentreOptions,
): ForeignWays | undefined {
  if (foreign === undefined) return undefined;
  const outlets = (): ForeignOutlets => {
    const found = storage.foreign?.();
    assert(found !== undefined, 'sources need Kafka: the configuration is checked');
    return found;
  };
  return new ForeignWays({ config: foreign, outlets, stateDir, clock, random, log });
}

function ingestsOf({ ingest }: CentralConfig, intake: BatchReceiver, { clock, random, log }: CentreOptions): Ingest[] {
  const { mqtt, udp } = ingest;
  const shared = { intake, clock, log };
  const ingests: Ingest[] = [];
  if (mqtt?.mode === 'embedded') ingests.push(new EmbeddedBroker({ config: mqtt, ...shared }));
  if (mqtt?.mode === 'client') ingests.push(new BrokerLink({ config: mqtt, random, ...shared }));
  if (udp !== undefined) ingests.push(new UdpIngest({ config: udp, random, ...shared }));
  return ingests;
}
