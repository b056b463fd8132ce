import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { RunId } from '../protocol/ids.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import type { Random } from '../runtime/random.ts';
import { DEAD_LETTER_FOLDER } from './config/places.ts';
import type { CentralConfig } from './config/types.ts';
import { DeadLetterFiles } from './ingest/dead-letter.ts';
import { createFilesSink } from './manifests/manifested-files.ts';
import { DirectRecordLog } from './recordlog/direct.ts';
import type { LogEntry, LogOutcome } from './recordlog/recordlog.ts';
import type { DailyJobs } from './schedule/daily-job.ts';
import { AckLog } from './sinks/ack-log/ack-log.ts';
import type { Disk } from './sinks/disk.ts';
import { type SinkStatus, type Storage, statusOf } from './storage.ts';

export interface DirectStorageOptions {
  readonly config: CentralConfig;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly disk: Disk;
  readonly jobs: DailyJobs;
}

/** Straight to the sinks, whose commit is what an acknowledgement says. */
export class DirectStorage implements Storage {
  readonly deadLetters: DeadLetterFiles;
  /** Never: what is stored was nowhere else, so that nothing can contradict it. */
  readonly failed = new AbortController().signal;
  readonly #config: CentralConfig;
  readonly #recordLog: DirectRecordLog;

  constructor(options: DirectStorageOptions) {
    const { config, clock, log, disk } = options;
    this.#config = config;
    this.#recordLog = recordLogOf(options);
    this.deadLetters = new DeadLetterFiles({ folder: join(config.stateDir, DEAD_LETTER_FOLDER), clock, log, disk });
  }

  /** Waits while another process writes to one of the folders. */
  async open(signal: AbortSignal): Promise<void> {
    await this.#recordLog.open(signal);
    await this.deadLetters.open(signal);
  }

  append(entry: LogEntry): Promise<LogOutcome> {
    return this.#recordLog.append(entry);
  }

  isAcknowledged(run: RunId, sequence: number): boolean {
    return this.#recordLog.isAcknowledged(run, sequence);
  }

  sinks(): readonly SinkStatus[] {
    return this.#config.sinks.map(statusOf);
  }

  /** Closing the log makes it commit at once. */
  async close(answered: Promise<void>): Promise<void> {
    try {
      await this.#recordLog.close();
      await answered;
    } finally {
      await this.deadLetters.close();
    }
  }

  /** They have ended with the log. */
  async leave(): Promise<void> {
    await Promise.resolve();
  }
}

function recordLogOf({ config: { sinks, ack }, random, ...rest }: DirectStorageOptions): DirectRecordLog {
  for (const { kind, name } of sinks) {
    assert(kind === 'files' || kind === 'ack_log', 'a store needs Kafka: the configuration is checked');
    assert(kind === 'ack_log' || ack.includes(name), 'without Kafka every sink decides: the configuration is checked');
  }
  return new DirectRecordLog({
    sinks: sinks.filter((sink) => sink.kind === 'files').map((sink) => createFilesSink(sink, rest)),
    followers: sinks.filter((sink) => sink.kind === 'ack_log').map((sink) => new AckLog({ ...sink, random, ...rest })),
  });
}
