import { type Clock, withDeadline } from '../../runtime/clock.ts';
import { MooringError } from '../../runtime/errors.ts';
import type { Log } from '../../runtime/log.ts';
import type { StateFile } from '../../runtime/state-file.ts';
import { type KeptAlarm, type KeptAlarms, keptAlarmsOf } from './kept.ts';

export interface AlarmMemoryOptions {
  readonly file: Pick<StateFile<unknown>, 'path' | 'load' | 'save'>;
  readonly clock: Clock;
  readonly log: Log;
  /** What is to be kept at this moment. */
  readonly kept: () => readonly KeptAlarm[];
}

/** A disk that hangs must not keep alarms from starting, nor from ending. */
const DEADLINE_MS = 5000;
/** What could not be written is written again after this time. */
const AGAIN_MS = 10_000;

/** Keeps what stands over a restart. Nobody waits for it: one write at a time, of the newest state. */
export class AlarmMemory {
  readonly #options: AlarmMemoryOptions;
  #reading: Promise<unknown> = Promise.resolve();
  #writing: Promise<void> | undefined;
  #isDirty = false;
  #isFailed = false;
  #cancelAgain: (() => void) | undefined;

  constructor(options: AlarmMemoryOptions) {
    this.#options = options;
  }

  /**
   * What stood. Nothing where nothing did, and where the file is damaged, which is logged. Of a disk that does not answer for a few
   * seconds `onLate` hears, when it does.
   */
  async load(onLate: (kept: readonly KeptAlarm[]) => void): Promise<readonly KeptAlarm[]> {
    const { file, clock, log } = this.#options;
    const reading = this.#read();
    this.#reading = reading;
    try {
      return await withDeadline(clock, DEADLINE_MS, reading, tooLate);
    } catch (err) {
      log.warn({ err, path: file.path }, 'the state of the alarms is not there yet: all start anew until it is');
      void reading.then(onLate);
      return [];
    }
  }

  /** Soon. Returns at once. */
  save(): void {
    this.#isDirty = true;
    this.#writing ??= this.#write();
  }

  /** Resolves when everything is written, or could not be, or after a few seconds. */
  async settled(): Promise<void> {
    this.#cancelAgain?.();
    const { clock, log, file } = this.#options;
    try {
      await withDeadline(clock, DEADLINE_MS, this.#writing ?? Promise.resolve(), tooLate);
    } catch (err) {
      log.warn({ err, path: file.path }, 'the last state of the alarms was not written');
    }
    this.#cancelAgain?.();
  }

  async #read(): Promise<readonly KeptAlarm[]> {
    const { file, log } = this.#options;
    try {
      const value = await file.load();
      if (value === undefined) return [];
      const kept = keptAlarmsOf(value);
      if (kept === undefined) log.warn({ path: file.path }, 'the state of the alarms is damaged: all start anew');
      return kept ?? [];
    } catch (err) {
      log.warn({ err, path: file.path }, 'the state of the alarms cannot be read: all start anew');
      return [];
    }
  }

  async #write(): Promise<void> {
    // After whoever called: what comes before it waits for no JSON either. And not over what is still to be read.
    await this.#reading;
    while (this.#isDirty) {
      this.#isDirty = false;
      await this.#writeOnce();
    }
    this.#writing = undefined;
  }

  async #writeOnce(): Promise<void> {
    const { file, clock, log, kept } = this.#options;
    try {
      await file.save({ version: 1, alarms: kept() } satisfies KeptAlarms);
      if (this.#isFailed) log.info({ path: file.path }, 'the state of the alarms is written again');
      this.#isFailed = false;
    } catch (err) {
      if (!this.#isFailed) log.warn({ err, path: file.path }, 'the state of the alarms cannot be written');
      this.#isFailed = true;
      this.#cancelAgain?.();
      this.#cancelAgain = clock.after(AGAIN_MS, () => this.save());
    }
  }
}

function tooLate(): MooringError {
  return new MooringError('STATE_FAILED', 'the disk does not answer');
}
