import { basename, dirname } from 'node:path';
import { type RunId, recordIdOf } from '../../../protocol/ids.ts';
import { Backoff } from '../../../runtime/backoff.ts';
import type { Clock } from '../../../runtime/clock.ts';
import { MooringError } from '../../../runtime/errors.ts';
import type { Log } from '../../../runtime/log.ts';
import type { Random } from '../../../runtime/random.ts';
import type { AckFollower, AckSource } from '../../recordlog/recordlog.ts';
import { type Append, Appender, type Line } from '../appender.ts';
import type { Disk } from '../disk.ts';

export interface AckLogOptions {
  readonly name: string;
  /** The file; its lock and state are in `<path>.mooring/`. */
  readonly path: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly disk?: Disk;
  /** Least time between two commits, in milliseconds; 1000 when left out. */
  readonly commitIntervalMs?: number;
}

/** Ids of one commit: catching up with millions must not hold them all in memory. */
const IDS_PER_COMMIT = 50_000;
const RETRY = { firstMs: 500, maxMs: 60_000 };

/**
 * The ids of acknowledged records as a text file, one a line, each once. It follows the other sinks: it copies what
 * they have committed and it has not, at start and after every commit. What goes wrong here is logged once, and tried
 * again for ever.
 */
export class AckLog implements AckFollower {
  readonly #options: AckLogOptions;
  readonly #log: Log;
  readonly #backoff: Backoff;
  readonly #aborted = new AbortController();
  readonly #appender: Appender;
  #work: Promise<void> = Promise.resolve();
  /** Runs that may have more acknowledged than is in the file. */
  #changed = new Set<RunId>();
  #wake: (() => void) | undefined;
  #isClosing = false;
  #isBroken = false;

  constructor(options: AckLogOptions) {
    this.#options = options;
    this.#log = options.log.child({ sink: options.name });
    this.#backoff = new Backoff(RETRY, options.random);
    const { path, clock, disk, commitIntervalMs } = options;
    this.#appender = new Appender({
      root: dirname(path),
      stateDir: `${path}.mooring`,
      isEmpty: async (on) => ((await on.size(path)) ?? 0) === 0,
      clock,
      log: this.#log,
      ...(disk === undefined ? {} : { disk }),
      ...(commitIntervalMs === undefined ? {} : { commitIntervalMs }),
    });
  }

  start(source: AckSource): void {
    this.#work = this.#run(source);
  }

  follow(run: RunId): void {
    this.#changed.add(run);
    this.#wake?.();
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    this.#aborted.abort();
    this.#appender.hurry();
    this.#wake?.();
    await this.#work;
  }

  async #run(source: AckSource): Promise<void> {
    const { signal } = this.#aborted;
    while (!this.#isClosing) {
      try {
        await this.#appender.open(signal);
        this.#changed = new Set(source.runs());
        await this.#keepUp(source);
      } catch (error) {
        if (isAbort(error)) break;
        this.#broke(error);
      }
      await this.#appender.close();
      if (this.#isBroken) await this.#pause(signal);
    }
  }

  /** Copies until the owner closes; what is there then goes along in one last commit. */
  async #keepUp(source: AckSource): Promise<void> {
    for (;;) {
      const isLast = this.#isClosing;
      const appends = this.#missing(source);
      if (appends.length > 0) await this.#appender.append(appends);
      this.#worked();
      if (isLast) return;
      if (this.#changed.size === 0 && !this.#isClosing) await new Promise<void>((wake) => (this.#wake = wake));
    }
  }

  /** Up to one commit of ids that are acknowledged and not in the file; forgets the runs that have no more. */
  #missing(source: AckSource): Append[] {
    const file = basename(this.#options.path);
    const appends: Append[] = [];
    let room = IDS_PER_COMMIT;
    for (const run of this.#changed) {
      const written = this.#appender.committed(run);
      const lines: Line[] = [];
      for (const [first, last] of source.acknowledged(run).flatMap(([from, to]) => written.missing(from, to))) {
        for (let sequence = first; sequence <= last && room > 0; sequence += 1, room -= 1) {
          lines.push({ sequence, file, text: recordIdOf(run, sequence) });
        }
      }
      if (lines.length > 0) appends.push({ run, lines });
      if (room === 0) break;
      this.#changed.delete(run);
    }
    return appends;
  }

  #broke(error: unknown): void {
    if (!(error instanceof MooringError)) throw error;
    if (!this.#isBroken) this.#log.error({ err: error }, 'the log of acknowledgements fails; trying again');
    this.#isBroken = true;
  }

  #worked(): void {
    if (this.#isBroken) this.#log.info({}, 'the log of acknowledgements works again');
    this.#isBroken = false;
    this.#backoff.reset();
  }

  async #pause(signal: AbortSignal): Promise<void> {
    try {
      await this.#options.clock.sleep(this.#backoff.nextMs(), signal);
    } catch (error) {
      if (!isAbort(error)) throw error;
    }
  }
}

/** The owner has closed while something waited. */
function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}
