import { basename, dirname } from 'node:path';
import { type RunId, recordIdOf } from '../../../protocol/ids.ts';
import type { Range } from '../../../protocol/intervals.ts';
import type { Clock } from '../../../runtime/clock.ts';
import type { Log } from '../../../runtime/log.ts';
import { type Append, Appender, type Line } from '../appender.ts';
import type { Disk } from '../disk.ts';

export interface AckFileOptions {
  /** The file; its lock and state are in `<path>.mooring/`. */
  readonly path: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly disk?: Disk;
  /** Least time between two commits, in milliseconds; 1000 when left out. */
  readonly commitIntervalMs?: number;
}

/** Ids of one commit: catching up with millions must not hold them all in memory. */
const IDS_PER_COMMIT = 50_000;

/** The appender of a file of ids, one a line, each once. */
export function ackFileAppender({ path, ...rest }: AckFileOptions): Appender {
  return new Appender({
    ...rest,
    root: dirname(path),
    stateDir: `${path}.mooring`,
    isEmpty: async (disk) => ((await disk.size(path)) ?? 0) === 0,
  });
}

/** Gathers up to one commit of ids that are not in the file yet. */
export class AckLines {
  readonly #file: string;
  readonly #appender: Appender;
  #appends: Append[] = [];
  #room = IDS_PER_COMMIT;

  constructor(path: string, appender: Appender) {
    this.#file = basename(path);
    this.#appender = appender;
  }

  /** Nothing more goes into this commit. */
  get isFull(): boolean {
    return this.#room === 0;
  }

  /** Adds what the file does not have of these sequences, as far as there is room. */
  add(run: RunId, ranges: readonly Range[]): void {
    const written = this.#appender.committed(run);
    const lines: Line[] = [];
    for (const [first, last] of ranges.flatMap(([from, to]) => written.missing(from, to))) {
      for (let sequence = first; sequence <= last && this.#room > 0; sequence += 1, this.#room -= 1) {
        lines.push({ sequence, file: this.#file, text: recordIdOf(run, sequence) });
      }
    }
    if (lines.length > 0) this.#appends.push({ run, lines });
  }

  /** What was gathered; begins anew. */
  take(): readonly Append[] {
    const appends = this.#appends;
    this.#appends = [];
    this.#room = IDS_PER_COMMIT;
    return appends;
  }
}
