import { parseRecordId } from '../../../protocol/ids.ts';
import { MooringError } from '../../../runtime/errors.ts';
import type { Random } from '../../../runtime/random.ts';
import type { FlatRecord } from '../../recordlog/recordlog.ts';
import { unhashed, withHash } from '../hashed-json.ts';
import type { StoreRecord } from '../remote/remote-store.ts';
import { Ledger, parseLedger } from './ledger.ts';
import type { HdfsStatus, WebHdfs } from './web-hdfs.ts';

/** A file that is to get its name once a generation is sealed. */
export interface SealedFile {
  readonly from: string;
  readonly to: string;
}

/** What ends a generation: where its records are now, and the folder that is to be the next one. */
export interface Seal {
  readonly files: readonly SealedFile[];
  readonly next: string;
}

/** Records that were written at once. */
export interface JournalEntry {
  readonly number: number;
  readonly bytes: number;
  /** By the NameNode's clock, UTC milliseconds. */
  readonly writtenMs: number;
}

const DIGITS = 9;
const LEDGER = 0;
/** What nobody has come for in a day nobody will come for. */
const ABANDONED_MS = 86_400_000;

/**
 * The log of a folder in HDFS, `_mooring/log/GENERATION/NUMBER`. Number 0 is the ledger of all before; then come records, a
 * JSON object a line, as they were written; the last is a seal. A number is taken by a rename that replaces nothing, so that of
 * several writers one has it and the others hear of it; and no number of a generation is free again, as its folder is moved
 * into place once and deleted as a whole.
 */
export class Journal {
  readonly root: string;
  readonly #hdfs: WebHdfs;
  readonly #nonce: string;
  #temporaries = 0;
  #generation = 0;
  #last = -1;
  #entries: JournalEntry[] = [];
  #ledger: Ledger;

  /** @param root absolute path of the folder */
  constructor(hdfs: WebHdfs, root: string, random: Random) {
    this.#hdfs = hdfs;
    this.root = root;
    this.#nonce = Buffer.from(random.bytes(9)).toString('hex');
    this.#ledger = this.#newLedger();
  }

  get generation(): number {
    return this.#generation;
  }

  /** Of this generation, in the order of their numbers. */
  get entries(): readonly JournalEntry[] {
    return this.#entries;
  }

  get ledger(): Ledger {
    return this.#ledger;
  }

  get home(): string {
    return `${this.root}/_mooring`;
  }

  /** A path for a file that is not finished, and that nobody else writes to, an earlier try of this writer included. */
  temporary(): string {
    this.#temporaries += 1;
    return `${this.home}/tmp/${this.#nonce}-${this.#temporaries}`;
  }

  /** Takes in what others have written since, and finishes what they have sealed. */
  async catchUp(): Promise<void> {
    for (;;) {
      const generations = await this.#hdfs.list(`${this.home}/log`);
      const oldest = generations?.[0];
      if (oldest === undefined) {
        await this.#hdfs.makeFolder(`${this.home}/log`);
        await this.#hdfs.rename(await this.prepare(), this.#folderOf(1));
        continue;
      }
      const generation = Number(oldest.name);
      if (generation !== this.#generation) this.#begin(generation, -1, this.#newLedger());
      if ((await this.#readOn()) === 'all') return;
    }
  }

  /** Writes the next number: durable where it was `done`; where it was not, `catchUp` says why. */
  async append(records: readonly StoreRecord[]): Promise<'done' | 'lost'> {
    const content = Buffer.from(records.map(({ json }) => `${json}\n`).join(''), 'utf8');
    const number = this.#last + 1;
    const written = await this.#take(number, content);
    if (written === undefined) return 'lost';
    for (const record of records) this.#ledger.add(record);
    this.#last = number;
    this.#entries.push({ number, bytes: content.length, writtenMs: written.modifiedMs });
    return 'done';
  }

  /** Ends the generation after its last number, and begins the next. `lost` where somebody wrote another number. */
  async seal(files: readonly SealedFile[]): Promise<'done' | 'lost'> {
    const seal: Seal = { files, next: await this.prepare() };
    const content = Buffer.from(withHash(JSON.stringify({ seal })), 'utf8');
    if ((await this.#take(this.#last + 1, content)) === undefined) {
      await this.#hdfs.delete(seal.next);
      return 'lost';
    }
    await this.#finish(seal);
    return 'done';
  }

  /** The records of an entry; undefined where its generation is gone. */
  async recordsOf({ number }: JournalEntry): Promise<StoreRecord[] | undefined> {
    const content = await this.#hdfs.read(this.#pathOf(number));
    return content === undefined ? undefined : linesOf(content.toString('utf8')).map(storeRecordOf);
  }

  /** Deletes what writers that are gone have left unfinished. */
  async clean(): Promise<void> {
    const own = this.temporary();
    // By the NameNode's clock alone: by one that is a day ahead, what another one is about to move would be old.
    const { modifiedMs: nowMs } = await this.#hdfs.put(own, Buffer.alloc(0));
    await this.#hdfs.delete(own);
    for (const { name, modifiedMs } of (await this.#hdfs.list(`${this.home}/tmp`)) ?? [])
      if (modifiedMs < nowMs - ABANDONED_MS) await this.#hdfs.delete(`${this.home}/tmp/${name}`);
  }

  /** A folder that can become the next generation: all that is known now is its ledger. */
  async prepare(): Promise<string> {
    const folder = this.temporary();
    await this.#hdfs.put(`${folder}/${nameOf(LEDGER)}`, Buffer.from(this.#ledger.text(), 'utf8'));
    return folder;
  }

  /** Undefined where another one has that number, or the generation is gone. */
  async #take(number: number, content: Uint8Array): Promise<HdfsStatus | undefined> {
    const temporary = this.temporary();
    const written = await this.#hdfs.put(temporary, content);
    if ((await this.#hdfs.rename(temporary, this.#pathOf(number))) === 'done') return written;
    await this.#hdfs.delete(temporary);
    return undefined;
  }

  /** Reads the numbers that are new. `moved`: to another generation, or to one that is not known yet. */
  async #readOn(): Promise<'all' | 'moved'> {
    const found = await this.#hdfs.list(this.#folderOf(this.#generation));
    if (found === undefined) return 'moved';
    for (const { name, bytes, modifiedMs: writtenMs } of found) {
      const number = Number(name);
      if (number <= this.#last) continue;
      const content = await this.#hdfs.read(this.#pathOf(number));
      if (content === undefined) return 'moved';
      const text = content.toString('utf8');
      if (number === LEDGER) {
        const runs = parseLedger(text);
        if (runs === undefined) throw this.#damaged(number);
        this.#begin(this.#generation, number, new Ledger((date) => this.#idsOf(date), runs));
        continue;
      }
      if (number !== this.#last + 1) throw this.#damaged(this.#last + 1);
      const seal = sealOf(text);
      if (seal !== undefined) {
        await this.#finish(seal);
        return 'moved';
      }
      for (const line of linesOf(text)) this.#ledger.add(storeRecordOf(line));
      this.#last = number;
      this.#entries.push({ number, bytes, writtenMs });
    }
    return 'all';
  }

  /** Whoever reads a seal does what it says, as who wrote it may be gone; each step may have been done by another one. */
  async #finish({ files, next }: Seal): Promise<void> {
    const sealed = this.#folderOf(this.#generation);
    for (const { from, to } of files) {
      await this.#hdfs.makeFolder(to.slice(0, to.lastIndexOf('/')));
      await this.#move(from, to, sealed);
    }
    await this.#move(next, this.#folderOf(this.#generation + 1), sealed);
    await this.#hdfs.delete(sealed);
    this.#ledger.filed();
    this.#begin(this.#generation + 1, LEDGER, this.#ledger);
  }

  async #move(from: string, to: string, sealed: string): Promise<void> {
    if ((await this.#hdfs.rename(from, to)) !== 'absent' || (await this.#hdfs.status(to)) !== undefined) return;
    // With its generation gone, another one has finished it, and what became of the file since is not its business.
    if ((await this.#hdfs.status(sealed)) !== undefined) throw this.#damaged(this.#last + 1);
  }

  #begin(generation: number, last: number, ledger: Ledger): void {
    this.#generation = generation;
    this.#last = last;
    this.#entries = [];
    this.#ledger = ledger;
  }

  #newLedger(): Ledger {
    return new Ledger((date) => this.#idsOf(date));
  }

  async #idsOf(date: string): Promise<string[]> {
    const folder = `${this.home}/ids/${date}`;
    const ids: string[] = [];
    for (const { name } of (await this.#hdfs.list(folder)) ?? [])
      ids.push(...linesOf((await this.#hdfs.read(`${folder}/${name}`))?.toString('utf8') ?? ''));
    return ids;
  }

  #folderOf(generation: number): string {
    return `${this.home}/log/${nameOf(generation)}`;
  }

  #pathOf(number: number): string {
    return `${this.#folderOf(this.#generation)}/${nameOf(number)}`;
  }

  #damaged(number: number): MooringError {
    return new MooringError('SINK_STATE_DAMAGED', 'the log of the sink in HDFS cannot be trusted', {
      context: { path: this.#pathOf(number) },
      hint: 'Move the whole folder aside, files and _mooring together, and let the sink begin a new one: no record is lost, but what is read again from Kafka will stand in both.',
    });
  }
}

export function nameOf(number: number): string {
  return String(number).padStart(DIGITS, '0');
}

function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}

function storeRecordOf(json: string): StoreRecord {
  const flat = JSON.parse(json) as FlatRecord;
  return { flat, json, place: parseRecordId(flat.id) };
}

/** Undefined for records. */
function sealOf(text: string): Seal | undefined {
  const json = unhashed(text);
  return json === undefined ? undefined : (JSON.parse(json) as { seal?: Seal }).seal;
}
