import assert from 'node:assert/strict';
import type { Clock } from '../../runtime/clock.ts';
import { MooringError } from '../../runtime/errors.ts';
import type { Log } from '../../runtime/log.ts';
import type { StateFile } from '../../runtime/state-file.ts';
import type { Cron } from './cron.ts';
import type { DailyJob, DailyJobs, JobStatus } from './daily-job.ts';

/** When each job was done last, by kind and sink, UTC milliseconds. */
export type KeptSchedule = Readonly<Record<string, number>>;

export interface ScheduleOptions {
  /** Minutes after midnight, UTC. */
  readonly atMinutes: number;
  readonly file: Pick<StateFile<KeptSchedule>, 'load' | 'save'>;
  readonly cron: Cron;
  readonly clock: Clock;
  readonly log: Log;
}

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
/** How often it looks for what is due besides: after a step of the clock, and of a job that could not be done yet. */
const LOOK_MS = 10 * MINUTE_MS;

interface Planned {
  readonly job: DailyJob;
  readonly ending: AbortController;
  /** The time of the calendar whose run has failed: it is not tried again before the next. */
  failedAtMs: number | undefined;
  running: Promise<void> | undefined;
  done: number;
  failed: number;
  isFailing: boolean;
}

/**
 * Jobs of a calendar, each once a day. What was due while nobody was there is made up for at the start. A clock that was
 * stepped, either way, costs at the most one run too many.
 */
export class Schedule implements DailyJobs {
  readonly #options: ScheduleOptions;
  readonly #planned = new Map<string, Planned>();
  #doneMs = new Map<string, number>();
  #isOpen = false;
  #endCron: (() => void) | undefined;
  #cancelLook: (() => void) | undefined;

  constructor(options: ScheduleOptions) {
    this.#options = options;
  }

  /** Begins; jobs may have been added before, and may be later. What was kept and cannot be read is not known. */
  async open(): Promise<void> {
    const { atMinutes, file, cron, log } = this.#options;
    try {
      this.#doneMs = new Map(Object.entries((await file.load()) ?? {}));
    } catch (error) {
      if (!(error instanceof MooringError)) throw error;
      log.warn({ err: error }, 'it is not known when daily jobs were done last: they are done now');
    }
    this.#isOpen = true;
    this.#endCron = cron.schedule(`${atMinutes % 60} ${Math.floor(atMinutes / 60)} * * *`, () => this.#runDue());
    this.#look();
  }

  add(job: DailyJob): () => Promise<void> {
    const key = keyOf(job);
    assert(!this.#planned.has(key), 'one job of a kind for each sink');
    const planned: Planned = {
      job,
      ending: new AbortController(),
      ...{ failedAtMs: undefined, running: undefined, done: 0, failed: 0, isFailing: false },
    };
    this.#planned.set(key, planned);
    if (this.#isOpen) this.#runDue();
    return async () => {
      this.#planned.delete(key);
      planned.ending.abort();
      await planned.running;
    };
  }

  status(): readonly JobStatus[] {
    return [...this.#planned.values()].map(({ job: { kind, sink }, done, failed, isFailing }) => {
      return { kind, sink, done, failed, isFailing, doneMs: this.#doneMs.get(keyOf({ kind, sink })) };
    });
  }

  /** Begins nothing more; resolves when nothing runs. */
  async close(): Promise<void> {
    this.#isOpen = false;
    this.#endCron?.();
    this.#cancelLook?.();
    for (const { ending } of this.#planned.values()) ending.abort();
    await Promise.all([...this.#planned.values()].map(({ running }) => running));
  }

  #look(): void {
    this.#runDue();
    this.#cancelLook = this.#options.clock.after(LOOK_MS, () => this.#look());
  }

  #runDue(): void {
    if (!this.#isOpen) return;
    const nowMs = this.#options.clock.wallMs();
    const slotMs = this.#slotBefore(nowMs);
    for (const planned of this.#planned.values()) {
      if (planned.running !== undefined || planned.failedAtMs === slotMs) continue;
      const doneMs = this.#doneMs.get(keyOf(planned.job));
      // One that was done tomorrow was done by a clock that was wrong.
      if (doneMs !== undefined && doneMs >= slotMs && doneMs <= nowMs + MINUTE_MS) continue;
      planned.running = this.#run(planned, slotMs).finally(() => {
        planned.running = undefined;
      });
    }
  }

  /** The last time of the calendar, at or before a moment. */
  #slotBefore(nowMs: number): number {
    const atMs = this.#options.atMinutes * MINUTE_MS;
    return Math.floor((nowMs - atMs) / DAY_MS) * DAY_MS + atMs;
  }

  async #run(planned: Planned, slotMs: number): Promise<void> {
    const { clock, log } = this.#options;
    const { job, ending } = planned;
    const { kind, sink } = job;
    try {
      if (!(await job.run(ending.signal))) return;
      planned.done += 1;
      planned.isFailing = false;
      await this.#keep(keyOf(job), clock.wallMs());
    } catch (error) {
      if (ending.signal.aborted) return;
      if (!(error instanceof MooringError)) throw error;
      planned.failed += 1;
      planned.isFailing = true;
      planned.failedAtMs = slotMs;
      log.error({ job: kind, sink, err: error }, 'a daily job has failed; it is tried again tomorrow');
    }
  }

  /** Where this is lost, the job is done once more. */
  async #keep(key: string, doneMs: number): Promise<void> {
    this.#doneMs.set(key, doneMs);
    try {
      await this.#options.file.save(Object.fromEntries(this.#doneMs));
    } catch (error) {
      if (!(error instanceof MooringError)) throw error;
      this.#options.log.warn({ err: error }, 'it is not kept when daily jobs were done');
    }
  }
}

function keyOf({ kind, sink }: Pick<DailyJob, 'kind' | 'sink'>): string {
  return `${kind} ${sink}`;
}
