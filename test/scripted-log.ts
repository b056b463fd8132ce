import type { LogEntry, LogOutcome, RecordLog } from '../central/recordlog/recordlog.ts';
import { rangesOf } from '../protocol/intervals.ts';

/** What becomes of an entry. */
export interface Parts {
  readonly rejected?: number[];
  readonly held?: number[];
  /** How many of the others another entry has brought. */
  readonly repeated?: number;
  /** Those that are rejected are in the dead letter already. */
  readonly isKept?: true;
}

/** A log whose appends end when the test says so. */
export class ScriptedLog implements RecordLog {
  readonly entries: LogEntry[] = [];
  readonly #onStored: () => void;
  readonly #waiting: { entry: LogEntry; resolve: (outcome: LogOutcome) => void; reject: (error: Error) => void }[] = [];

  /** @param onStored called when an entry is about to be stored */
  constructor(onStored: () => void) {
    this.#onStored = onStored;
  }

  async open(): Promise<void> {
    throw new Error('the intake opens nothing');
  }

  async close(): Promise<void> {
    throw new Error('the intake closes nothing');
  }

  append(entry: LogEntry): Promise<LogOutcome> {
    this.entries.push(entry);
    return new Promise((resolve, reject) => this.#waiting.push({ entry, resolve, reject }));
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** The oldest entry that waits is stored, but for what is named otherwise. */
  store({ rejected = [], held = [], repeated = 0, isKept }: Parts = {}): void {
    const { entry, resolve } = this.#next();
    const stored = entry.records
      .map(({ sequence }) => sequence)
      .filter((sequence) => !rejected.includes(sequence) && !held.includes(sequence));
    this.#onStored();
    const code = isKept === true ? 'sink:lake' : 'too_large';
    const kept = isKept === undefined ? {} : { isKept };
    const reason = 'larger than it may be';
    resolve({
      stored: rangesOf(stored),
      added: stored.length - repeated,
      held: rangesOf(held),
      rejected: rejected.length === 0 ? [] : [{ ranges: rangesOf(rejected), code, reason, ...kept }],
    });
  }

  fail(error: Error): void {
    this.#next().reject(error);
  }

  #next() {
    const next = this.#waiting.shift();
    if (next === undefined) throw new Error('nothing waits');
    return next;
  }
}
