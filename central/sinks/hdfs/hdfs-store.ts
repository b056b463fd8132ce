import type { Clock } from '../../../runtime/clock.ts';
import { MooringError } from '../../../runtime/errors.ts';
import type { Random } from '../../../runtime/random.ts';
import type { HttpLogin } from '../http/credentials.ts';
import type { RefusedRecord, RemoteStore, StoreRecord } from '../remote/remote-store.ts';
import { Journal } from './journal.ts';
import { roll } from './roll.ts';
import { WebHdfs } from './web-hdfs.ts';

export interface HdfsStoreOptions {
  readonly name: string;
  /** Of the NameNode: `http://namenode:9870`. */
  readonly url: string;
  /** Absolute path of a folder that is this sink's alone; made where it is not there. */
  readonly path: string;
  /** How long records wait in the log before they are made a file, in milliseconds; an hour when left out. */
  readonly rollMs?: number;
  /** Bytes of the log that are made a file sooner; 64 MiB when left out. */
  readonly rollBytes?: number;
  /** Who to be, where nobody is asked for a password. */
  readonly user?: string;
  readonly login?: HttpLogin;
  /** PEM, in place of the system's authorities. */
  readonly caFile?: string;
  /** Of each request, in milliseconds; 10,000 when left out. */
  readonly deadlineMs?: number;
  readonly clock: Clock;
  readonly random: Random;
}

const ROLL_MS = 3_600_000;
const ROLL_BYTES = 64 * 2 ** 20;
/** Entries of the log that are made a file sooner: each is a file in HDFS until then. */
const ENTRIES_MAX = 1000;
/** Between two tries to roll where no write comes, in milliseconds. */
const ROLL_AGAIN_MS = 60_000;

/** A folder in HDFS: a log that takes every write, and Parquet files by date of events that are made of it. */
export class HdfsStore implements RemoteStore {
  readonly name: string;
  readonly #options: HdfsStoreOptions;
  readonly #hdfs: WebHdfs;
  readonly #journal: Journal;
  #isCurrent = false;
  #isClosed = false;
  #turn: Promise<unknown> = Promise.resolve();
  #cancelRoll: () => void = () => undefined;

  constructor(options: HdfsStoreOptions) {
    const { name, path, random } = options;
    if (!/^(\/[^/]+)+$/.test(path))
      throw new MooringError('CONFIG_INVALID', 'a path in HDFS is absolute, and names a folder', {
        context: { store: name, path },
        hint: 'Write it as /data/mooring, with no slash at its end.',
      });
    this.name = name;
    this.#options = options;
    this.#hdfs = new WebHdfs(options);
    this.#journal = new Journal(this.#hdfs, path, random);
  }

  async open(signal: AbortSignal): Promise<void> {
    await this.#inTurn(async () => {
      this.#hdfs.isOpening = true;
      try {
        await this.#requireOwnFolder(signal);
        signal.throwIfAborted();
        await this.#journal.catchUp();
        signal.throwIfAborted();
        await this.#journal.clean();
        this.#isCurrent = true;
      } finally {
        this.#hdfs.isOpening = false;
      }
    });
    this.#armRoll(this.#untilRollMs());
  }

  async write(records: readonly StoreRecord[]): Promise<readonly RefusedRecord[]> {
    await this.#inTurn(() => this.#append(records));
    this.#armRoll(this.#untilRollMs());
    return [];
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelRoll();
    await this.#hdfs.close();
    await this.#turn;
  }

  async #append(records: readonly StoreRecord[]): Promise<void> {
    await this.#beCurrent();
    // Where no file can be made, nothing more is taken either: else the log would grow for ever.
    if (this.#isRollDue()) await roll(this.#hdfs, this.#journal);
    for (;;) {
      const fresh = await this.#journal.ledger.fresh(records);
      if (fresh.length === 0 || (await this.#journal.append(fresh)) === 'done') return;
      await this.#journal.catchUp();
    }
  }

  /** After a failure nobody knows what of it was done. */
  async #beCurrent(): Promise<void> {
    if (!this.#isCurrent) await this.#journal.catchUp();
    this.#isCurrent = true;
  }

  /** One after another, whatever became of the one before. */
  async #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(work).catch((error: unknown) => {
      this.#isCurrent = false;
      throw error;
    });
    this.#turn = turn.catch(() => undefined);
    await turn;
  }

  #isRollDue(): boolean {
    const { rollBytes = ROLL_BYTES } = this.#options;
    const { entries } = this.#journal;
    const bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0);
    return bytes >= rollBytes || entries.length >= ENTRIES_MAX || (entries.length > 0 && this.#untilRollMs() <= 0);
  }

  #untilRollMs(): number {
    const { rollMs = ROLL_MS, clock } = this.#options;
    const [oldest] = this.#journal.entries;
    return oldest === undefined ? rollMs : oldest.writtenMs + rollMs - clock.wallMs();
  }

  /** Records do not wait for the next write to become a file. */
  #armRoll(waitMs: number): void {
    this.#cancelRoll();
    if (this.#isClosed) return;
    this.#cancelRoll = this.#options.clock.after(Math.max(0, waitMs), () => void this.#rollByItself());
  }

  async #rollByItself(): Promise<void> {
    try {
      await this.#inTurn(async () => {
        await this.#beCurrent();
        if (this.#isRollDue()) await roll(this.#hdfs, this.#journal);
      });
      this.#armRoll(this.#untilRollMs());
    } catch (error) {
      if (!(error instanceof MooringError)) throw error;
      // The next write meets the same, and tells it to who can do something about it.
      this.#armRoll(ROLL_AGAIN_MS);
    }
  }

  async #requireOwnFolder(signal: AbortSignal): Promise<void> {
    const { path } = this.#options;
    const found = await this.#hdfs.status(path, signal);
    if (found === undefined) return;
    if (!found.isFolder) throw this.#unfit('it is a file');
    const inside = (await this.#hdfs.list(path)) ?? [];
    if (inside.length > 0 && !inside.some(({ name }) => name === '_mooring'))
      throw this.#unfit(`it has ${inside[0]?.name} in it, and no _mooring`);
  }

  #unfit(reason: string): MooringError {
    const { name, path } = this.#options;
    return new MooringError('SINK_UNFIT', 'the folder in HDFS is not one that Mooring has made', {
      context: { store: name, url: this.#hdfs.origin, path, reason },
      hint: 'Name an empty folder, or one that is not there: it is made.',
    });
  }
}
