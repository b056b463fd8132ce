import { parseRecordId, type RunId } from '../../protocol/ids.ts';
import type { LogRecord } from '../recordlog/recordlog.ts';

const OLDER_MAX = 16;

/**
 * Which run of a gateway is its newest, and which of its records. A backlog of old runs comes beside what is new, in any
 * order: a boot record names the run before its own; beside that, a run that was never heard of is taken for the newest.
 */
export class NewestRun {
  readonly #older: RunId[] = [];
  #run: RunId | undefined;
  #sequence = 0;

  constructor(run?: RunId) {
    this.#run = run;
  }

  get run(): RunId | undefined {
    return this.#run;
  }

  /** Whether this record is newer than any before it. */
  see(run: RunId, { sequence, flat }: Pick<LogRecord, 'sequence' | 'flat'>): boolean {
    if (run !== this.#run) {
      if (this.#older.includes(run)) return false;
      if (this.#run !== undefined) this.#rememberOlder(this.#run);
      this.#run = run;
      this.#sequence = 0;
    }
    const { previous } = (flat.info ?? {}) as { readonly previous?: unknown };
    const before = typeof previous === 'string' ? parseRecordId(previous)?.run : undefined;
    if (before !== undefined && before !== run) this.#rememberOlder(before);
    if (sequence <= this.#sequence) return false;
    this.#sequence = sequence;
    return true;
  }

  #rememberOlder(run: RunId): void {
    if (this.#older.includes(run)) return;
    this.#older.push(run);
    if (this.#older.length > OLDER_MAX) this.#older.shift();
  }
}
