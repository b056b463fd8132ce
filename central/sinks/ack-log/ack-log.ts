import type { RunId } from '../../../protocol/ids.ts';
import { Backoff } from '../../../runtime/backoff.ts';
import { MooringError } from '../../../runtime/errors.ts';
import type { Log } from '../../../runtime/log.ts';
import type { Random } from '../../../runtime/random.ts';
import type { AckFollower, AckSource } from '../../recordlog/recordlog.ts';
import type { Append, Appender } from '../appender.ts';
import { type AckFileOptions, AckLines, ackFileAppender } from './ack-file.ts';

export interface AckLogOptions extends AckFileOptions {
  readonly name: string;
  readonly random: Random;
}

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
    this.#appender = ackFileAppender({
      path,
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
  #missing(source: AckSource): readonly Append[] {
    const lines = new AckLines(this.#options.path, this.#appender);
    for (const run of this.#changed) {
      lines.add(run, source.acknowledged(run));
      if (lines.isFull) break;
      this.#changed.delete(run);
    }
    return lines.take();
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
