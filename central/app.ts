import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type Clock, withDeadline } from '../runtime/clock.ts';
import { MooringError } from '../runtime/errors.ts';
import type { Log } from '../runtime/log.ts';
import type { Random } from '../runtime/random.ts';
import { DEAD_LETTER_FOLDER } from './config/places.ts';
import type { CentralConfig, SinkConfig } from './config/types.ts';
import { BrokerLink } from './ingest/broker-link.ts';
import { DeadLetterFiles } from './ingest/dead-letter.ts';
import { EmbeddedBroker } from './ingest/embedded-broker.ts';
import type { Ingest, IngestStatus } from './ingest/ingest.ts';
import { Intake, type IntakeStats } from './ingest/intake.ts';
import { DirectRecordLog } from './recordlog/direct.ts';
import { AckLog } from './sinks/ack-log/ack-log.ts';
import { type Disk, nodeDisk } from './sinks/disk.ts';
import { FilesSink } from './sinks/files/files.ts';

export interface CentreOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Where sinks and dead letter are; this machine's file system when left out. */
  readonly disk?: Disk;
}

export interface CentreStatus {
  /** `starting` also while another copy holds a folder that this one waits for. */
  readonly state: 'new' | 'starting' | 'running' | 'stopped';
  readonly ingest: IngestStatus;
  readonly intake: IntakeStats;
  readonly sinks: readonly { readonly name: string; readonly kind: SinkConfig['kind']; readonly path: string }[];
}

/** How long what was accepted may take to be stored and answered, once the centre stops, in milliseconds. */
const FINISH_MS = 3000;
/** How long the last acks may take to leave then, in milliseconds. */
const GOODBYE_MS = 1000;

/** The centre as one piece: opens from the sinks outwards, so that nothing is taken in before it can be stored. */
export class Centre {
  readonly #config: CentralConfig;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #recordLog: DirectRecordLog;
  readonly #deadLetters: DeadLetterFiles;
  readonly #intake: Intake;
  readonly #ingest: Ingest;
  readonly #aborted = new AbortController();
  #state: CentreStatus['state'] = 'new';
  #starting: Promise<void> = Promise.resolve();
  #stopping: Promise<void> | undefined;

  constructor(config: CentralConfig, options: CentreOptions) {
    const { clock, random, log, disk = nodeDisk } = options;
    this.#config = config;
    this.#clock = clock;
    this.#log = log;
    this.#recordLog = recordLogOf(config, { ...options, disk });
    this.#deadLetters = new DeadLetterFiles({ folder: join(config.stateDir, DEAD_LETTER_FOLDER), clock, log, disk });
    const { mqtt, intakeBytesMax } = config.ingest;
    this.#intake = new Intake({
      recordLog: this.#recordLog,
      ledger: this.#recordLog,
      deadLetters: this.#deadLetters,
      clock,
      log,
      bytesMax: intakeBytesMax,
    });
    assert(mqtt !== undefined, 'the only way in');
    const shared = { intake: this.#intake, clock, log };
    this.#ingest =
      mqtt.mode === 'embedded'
        ? new EmbeddedBroker({ config: mqtt, ...shared })
        : new BrokerLink({ config: mqtt, random, ...shared });
  }

  /**
   * Resolves when batches are taken in; waits while another process writes to one of the folders, and says so in the log.
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
    return {
      state: this.#state,
      ingest: this.#ingest.status(),
      intake: this.#intake.stats,
      sinks: this.#config.sinks.map(({ name, kind, path }) => ({ name, kind, path })),
    };
  }

  /** Stores and answers what was accepted, as far as that takes no more than three seconds, then closes everything. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    this.#aborted.abort();
    await Promise.allSettled([this.#starting]);
    this.#state = 'stopped';
    await this.#within(FINISH_MS, this.#finish(), 'the centre stops without what waits: gateways send it again');
    await this.#within(GOODBYE_MS, this.#ingest.close(), 'the centre stops without having sent every ack');
    this.#log.info({}, 'the centre has stopped');
  }

  async #open(signal: AbortSignal): Promise<void> {
    await this.#recordLog.open(signal);
    await this.#deadLetters.open(signal);
    await this.#ingest.open(signal);
    this.#state = 'running';
  }

  /** Closing the log makes it commit at once; the answers to that still need the dead letter. */
  async #finish(): Promise<void> {
    const answered = this.#intake.close();
    try {
      await this.#recordLog.close();
      await answered;
    } finally {
      await this.#deadLetters.close();
    }
  }

  async #within(durationMs: number, work: Promise<void>, otherwise: string): Promise<void> {
    try {
      await withDeadline(this.#clock, durationMs, work, () => new MooringError('DEADLINE', otherwise));
    } catch (error) {
      if (!(error instanceof MooringError)) throw error;
      this.#log.warn({ err: error }, otherwise);
    }
  }
}

function recordLogOf({ sinks, ack }: CentralConfig, { random, ...rest }: Required<CentreOptions>): DirectRecordLog {
  for (const { kind, name } of sinks) {
    assert(kind === 'ack_log' || ack.includes(name), 'without Kafka every sink decides: the configuration is checked');
  }
  return new DirectRecordLog({
    sinks: sinks.filter((sink) => sink.kind === 'files').map((sink) => new FilesSink({ ...sink, ...rest })),
    followers: sinks.filter((sink) => sink.kind === 'ack_log').map((sink) => new AckLog({ ...sink, random, ...rest })),
  });
}
