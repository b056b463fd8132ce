import { join } from 'node:path';
import type { Clock } from '../../../runtime/clock.ts';
import { MooringError } from '../../../runtime/errors.ts';
import type { Log } from '../../../runtime/log.ts';
import { markFileOf } from '../../config/places.ts';
import type { Disk } from '../disk.ts';
import { replaceText, unhashed, withHash } from '../hashed-json.ts';
import { type LogOffsets, offsetsOf, withPosition } from '../log-offsets.ts';
import type { LogPosition } from '../sink.ts';
import type { LogGap } from './target.ts';

export interface FeedMarkOptions {
  readonly disk: Disk;
  /** Made when absent. */
  readonly folder: string;
  /** Of the sink. */
  readonly name: string;
  readonly clock: Clock;
  readonly log: Log;
}

interface MarkJson {
  readonly version: number;
  readonly logs: LogOffsets;
  /** By gap: when it was told first, in milliseconds since the epoch. */
  readonly told: Readonly<Record<string, number>>;
}

const VERSION = 1;
/** Least time between two writes, in milliseconds. An older mark costs a longer repeat, and no record. */
const INTERVAL_MS = 60_000;

/**
 * What the group of a store that keeps no positions had committed, as a file of this copy's own: Kafka forgets a group that
 * nobody is in. Never rejects: without it there is less to be noticed, and no harm.
 */
export class FeedMark {
  readonly #options: FeedMarkOptions;
  readonly #path: string;
  #logs: LogOffsets = {};
  readonly #told = new Map<string, number>();
  #isDirty = false;
  #isFailing = false;
  #isClosed = false;
  #cancelTimer: (() => void) | undefined;
  #lastMs = Number.NEGATIVE_INFINITY;
  #saving: Promise<void> = Promise.resolve();

  constructor(options: FeedMarkOptions) {
    this.#options = options;
    this.#path = join(options.folder, markFileOf(options.name));
  }

  /** Reads what an earlier process has left. */
  async open(): Promise<void> {
    const { disk, log } = this.#options;
    try {
      const bytes = await disk.read(this.#path);
      if (bytes === undefined) return;
      const { logs, told } = decode(Buffer.from(bytes).toString('utf8'));
      this.#logs = logs;
      for (const [gap, toldMs] of Object.entries(told)) this.#told.set(gap, toldMs);
    } catch (error) {
      log.warn({ err: error, path: this.#path }, 'what was remembered of how far the sink is cannot be read');
    }
  }

  /** By partition, what comes next; empty where nothing is known of this log. */
  offsets(log: string): ReadonlyMap<number, number> {
    return offsetsOf(this.#logs, log);
  }

  /** The group has committed this. Written by and by. */
  note(position: LogPosition): void {
    const logs = withPosition(this.#logs, position);
    if (logs === this.#logs) return;
    this.#logs = logs;
    this.#forgetPassed(position);
    this.#isDirty = true;
    this.#schedule();
  }

  /** When this gap was told first, in milliseconds since the epoch: now, where it never was. Durable when it resolves. */
  async firstToldMs(gap: LogGap): Promise<number> {
    const key = keyOf(gap);
    const known = this.#told.get(key);
    if (known !== undefined) return known;
    const nowMs = this.#options.clock.wallMs();
    this.#told.set(key, nowMs);
    this.#isDirty = true;
    await this.#save();
    return nowMs;
  }

  /** Writes what is not written yet. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelTimer?.();
    await this.#save();
  }

  /** A gap that was gone over is not told again. */
  #forgetPassed({ log, offsets }: LogPosition): void {
    for (const key of this.#told.keys()) {
      const [ofLog, partition, , to] = JSON.parse(key) as GapKey;
      if (ofLog === log && (offsets.get(partition) ?? 0) >= to) this.#told.delete(key);
    }
  }

  #schedule(): void {
    if (this.#cancelTimer !== undefined || this.#isClosed) return;
    const { clock } = this.#options;
    this.#cancelTimer = clock.after(Math.max(0, this.#lastMs + INTERVAL_MS - clock.monotonicMs()), () => {
      this.#cancelTimer = undefined;
      this.#lastMs = clock.monotonicMs();
      void this.#save().then(() => {
        if (this.#isDirty) this.#schedule();
      });
    });
  }

  /** One at a time. */
  #save(): Promise<void> {
    this.#saving = this.#saving.then(() => this.#replace());
    return this.#saving;
  }

  async #replace(): Promise<void> {
    if (!this.#isDirty) return;
    this.#isDirty = false;
    const { disk, folder, name, log } = this.#options;
    const mark: MarkJson = { version: VERSION, logs: this.#logs, told: Object.fromEntries(this.#told) };
    try {
      await disk.makeFolder(folder);
      await replaceText(disk, folder, markFileOf(name), withHash(JSON.stringify(mark)));
      this.#isFailing = false;
    } catch (error) {
      this.#isDirty = true;
      if (!this.#isFailing) log.warn({ err: error, path: this.#path }, 'how far the sink is cannot be remembered');
      this.#isFailing = true;
    }
  }
}

type GapKey = readonly [log: string, partition: number, from: number, to: number];

function keyOf({ log, partition, from, to }: LogGap): string {
  return JSON.stringify([log, partition, from, to] satisfies GapKey);
}

function decode(text: string): MarkJson {
  const json = unhashed(text);
  if (json === undefined) throw damaged('its hash does not match its content');
  const mark = JSON.parse(json) as MarkJson;
  if (mark.version !== VERSION) throw damaged(`it is of version ${mark.version}, this program reads ${VERSION}`);
  return mark;
}

function damaged(reason: string): MooringError {
  return new MooringError('SINK_STATE_DAMAGED', 'the file is damaged', { context: { reason } });
}
