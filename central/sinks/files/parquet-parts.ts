import { dirname, join } from 'node:path';
import type { Clock } from '../../../runtime/clock.ts';
import type { Log } from '../../../runtime/log.ts';
import type { Appender } from '../appender.ts';
import type { Disk } from '../disk.ts';
import { endMsOf, type HourParts, numberOf, parquetOf } from './hour-parts.ts';
import { textsOf } from './lines.ts';
import type { LinesEncoder } from './lines-encoder.ts';

export interface ParquetPartsOptions {
  readonly appender: Pick<Appender, 'parts' | 'changePart'>;
  readonly parts: Pick<HourParts, 'converted'>;
  /** Absolute folder of the records. */
  readonly root: string;
  /** Absolute folder for what is being written; on the same file system. */
  readonly temporaryDir: string;
  readonly createEncoder: () => LinesEncoder;
  /** NDJSON stays beside its Parquet. */
  readonly keepsLines: boolean;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly log: Log;
}

/** How often it looks for files that are to be converted, in milliseconds. */
const LOOK_MS = 60_000;
/** How long after its hour a file stays open for what is late, in milliseconds. */
const GRACE_MS = 10 * 60_000;
/** How long late rows are gathered before they make a second file; twice as long for each further one, up to a day. */
const LATE_MS = 3_600_000;
const LATE_MS_MAX = 86_400_000;
/** A file of this many bytes is closed before its hour is over, as one is converted in memory. */
const PART_BYTES_MAX = 2 ** 28;

/**
 * Makes Parquet of NDJSON whose hour is over: sealed first, so that what is late goes to the next part; written under a
 * temporary name, synced, and renamed. From then on the Parquet file has the rows, and only now the lines go, where they are
 * not kept. What is cut short anywhere is done again, or finished, after the next start: a sealed file does not change.
 */
export class ParquetParts {
  readonly #options: ParquetPartsOptions;
  /** By file that is open: when it is to be sealed at the earliest, by the monotonic clock. */
  #dueMs = new Map<string, number>();
  #cancelTimer: (() => void) | undefined;
  #looking: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(options: ParquetPartsOptions) {
    this.#options = options;
  }

  /** Begins to look, from what was left over on. */
  start(): void {
    const { appender, clock } = this.#options;
    const dueMs = clock.monotonicMs() + GRACE_MS;
    // How long these have waited nobody knows any more.
    this.#dueMs = new Map([...appender.parts().keys()].map((file) => [file, dueMs]));
    this.#schedule();
  }

  /** Ends soon: what is half done is thrown away. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelTimer?.();
    await this.#looking;
  }

  #schedule(): void {
    if (this.#isClosed) return;
    this.#cancelTimer = this.#options.clock.after(LOOK_MS, () => {
      this.#looking = this.#look().finally(() => this.#schedule());
    });
  }

  async #look(): Promise<void> {
    const { appender, log } = this.#options;
    const parts = appender.parts();
    for (const file of this.#dueMs.keys()) if (parts.get(file) !== 'open') this.#dueMs.delete(file);
    for (const [file, state] of parts) {
      if (this.#isClosed) return;
      try {
        if (state === 'open') {
          if (!(await this.#isDue(file))) continue;
          await appender.changePart(file, 'sealed');
        }
        await this.#convert(file);
      } catch (error) {
        // The disk is full, as a rule. Whatever it is, the rows stand in the lines, and records come in as before.
        if (!this.#isClosed) log.error({ file, err: error }, 'no Parquet was made; trying again');
      }
    }
  }

  async #isDue(file: string): Promise<boolean> {
    const { clock, disk, root } = this.#options;
    const nowMs = clock.monotonicMs();
    const dueMs = this.#dueMs.get(file) ?? nowMs + waitMsOf(numberOf(file));
    this.#dueMs.set(file, dueMs);
    if (nowMs >= dueMs && clock.wallMs() >= endMsOf(file) + GRACE_MS) return true;
    return ((await disk.size(join(root, file))) ?? 0) >= PART_BYTES_MAX;
  }

  async #convert(file: string): Promise<void> {
    const { appender, parts, disk, root, temporaryDir, keepsLines, log } = this.#options;
    const [lines, target] = [join(root, file), join(root, parquetOf(file))];
    const folder = dirname(target);
    if ((await disk.size(target)) === undefined) {
      if ((await disk.size(lines)) === undefined) {
        log.warn({ file }, 'a file was removed before Parquet was made of it');
        await appender.changePart(file, 'finished');
        return;
      }
      const bytes = await this.#encoded(lines);
      if (bytes === undefined) return;
      const temporary = join(temporaryDir, parquetOf(file).replaceAll('/', '-'));
      await disk.makeFolder(temporaryDir);
      await disk.writeFrom(temporary, 0, bytes);
      await disk.rename(temporary, target);
      log.info({ file: parquetOf(file), bytes: bytes.length }, 'an hour is Parquet');
    }
    await disk.syncFolder(folder);
    if (!keepsLines) {
      await disk.remove(lines);
      await disk.syncFolder(folder);
    }
    parts.converted(file);
    await appender.changePart(file, 'finished');
  }

  /** Undefined where the owner closes meanwhile. */
  async #encoded(path: string): Promise<Uint8Array | undefined> {
    const encoder = this.#options.createEncoder();
    try {
      for await (const text of textsOf(this.#options.disk, path)) {
        if (this.#isClosed) return undefined;
        await encoder.add(text);
      }
      return await encoder.finish();
    } finally {
      await encoder.end();
    }
  }
}

function waitMsOf(number: number): number {
  return number === 1 ? GRACE_MS : Math.min(LATE_MS_MAX, LATE_MS * 2 ** (number - 2));
}
