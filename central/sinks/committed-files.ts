import assert from 'node:assert/strict';
import { dirname, join } from 'node:path';
import type { Log } from '../../runtime/log.ts';
import type { Disk } from './disk.ts';
import { damagedState } from './state-file.ts';

export interface CommittedFilesOptions {
  /** Absolute folder that the files' paths are relative to. */
  readonly root: string;
  /** Absolute folder for what is put aside. */
  readonly asideDir: string;
  readonly disk: Disk;
  readonly log: Log;
}

/** Files whose length is kept though the last commit did not touch them. */
const OPEN_FILES_MAX = 64;

/**
 * Files that only grow, and how much of each is committed: what stands beyond that is nobody's. A file that has not been
 * written for a while is forgotten: its length on disk is the committed one then, and is taken from there when late data
 * opens it again.
 */
export class CommittedFiles {
  readonly #options: CommittedFilesOptions;
  /** Committed length by file; the one written last comes last. */
  #lengths = new Map<string, number>();

  constructor(options: CommittedFilesOptions) {
    this.#options = options;
  }

  /** Committed bytes by file. Every file that may have more than that on disk is here. */
  get lengths(): ReadonlyMap<string, number> {
    return this.#lengths;
  }

  /** These are the committed lengths now. */
  settle(lengths: ReadonlyMap<string, number>): void {
    this.#lengths = new Map(lengths);
  }

  /** Nothing is added to these any more; they have no more than what is committed. */
  forget(files: Iterable<string>): void {
    for (const file of files) this.#lengths.delete(file);
  }

  /** Takes in files that are not known: all that they have is committed. Tells whether there were any. */
  async adopt(files: Iterable<string>): Promise<boolean> {
    let adopted = false;
    for (const file of files) {
      const size = await this.#checkedSize(file);
      if (this.#lengths.has(file)) continue;
      this.#lengths.set(file, size);
      adopted = true;
    }
    return adopted;
  }

  /** Appends lines to adopted files, durably. Returns the lengths that are to be committed and settled. */
  async extend(texts: ReadonlyMap<string, readonly string[]>): Promise<ReadonlyMap<string, number>> {
    const { root, disk } = this.#options;
    const lengths = new Map(this.#lengths);
    const newNames = new Set<string>();
    for (const [file, lines] of texts) {
      const from = lengths.get(file);
      assert(from !== undefined, 'adopted before');
      const data = Buffer.from(`${lines.join('\n')}\n`);
      const path = join(root, file);
      if (from === 0) await disk.makeFolder(dirname(path));
      await disk.writeFrom(path, from, data);
      // A new file: its name, and those of the folders above it, have to become durable too.
      if (from === 0) for (const folder of foldersBetween(root, dirname(path))) newNames.add(folder);
      lengths.delete(file);
      lengths.set(file, from + data.length);
    }
    for (const folder of deepestFirst(newNames)) await disk.syncFolder(folder);
    for (const file of lengths.keys()) {
      if (lengths.size <= Math.max(OPEN_FILES_MAX, texts.size)) break;
      lengths.delete(file);
    }
    return lengths;
  }

  /** Cuts off what a failed commit of this process has left. */
  async cutTails(): Promise<void> {
    for await (const tail of this.#tails()) await this.#cut(tail);
  }

  /**
   * Cuts off what another process wrote and the lengths do not cover, and keeps a copy. A crash has left it, as a rule; but
   * were they those of an older state that somebody has put back, then these are acknowledged records, and no gateway has
   * them.
   */
  async putTailsAside(): Promise<void> {
    for await (const tail of this.#tails()) {
      await this.#copy(tail);
      await this.#cut(tail);
    }
  }

  async *#tails(): AsyncGenerator<Tail, void> {
    for (const [file, length] of [...this.#lengths]) {
      const size = await this.#checkedSize(file);
      if (this.#lengths.has(file) && size !== length) yield { file, length, size };
    }
  }

  async #cut({ file, length, size }: Tail): Promise<void> {
    await this.#options.disk.writeFrom(join(this.#options.root, file), length, Buffer.alloc(0));
    this.#options.log.info({ file, bytes: size - length }, 'cut off what was never committed');
  }

  async #copy({ file, length, size }: Tail): Promise<void> {
    const { root, asideDir, disk, log } = this.#options;
    const aside = join(asideDir, `${file}.${length}-${size}`);
    await disk.makeFolder(dirname(aside));
    await disk.copyFrom(join(root, file), length, aside);
    const folders = foldersBetween(dirname(asideDir), dirname(aside));
    for (const folder of deepestFirst(folders)) await disk.syncFolder(folder);
    log.warn({ file, bytes: size - length, aside }, 'put aside what the state does not know');
  }

  /** Bytes of a file on disk. One that was removed is forgotten; one shorter than what is committed is damage. */
  async #checkedSize(file: string): Promise<number> {
    const path = join(this.#options.root, file);
    const length = this.#lengths.get(file) ?? 0;
    const size = await this.#options.disk.size(path);
    if (size === undefined && length > 0) {
      // No crash takes away a synced file: somebody did, as retention or a move to an archive does.
      this.#options.log.warn({ file, bytes: length }, 'a file with committed records was removed');
      this.#lengths.delete(file);
    } else if ((size ?? 0) < length) {
      throw damagedState(path, `it has ${size} bytes where ${length} are committed`);
    }
    return size ?? 0;
  }
}

/** Bytes of a file from its committed length to its end. */
interface Tail {
  readonly file: string;
  readonly length: number;
  readonly size: number;
}

/** The folders from `top` down to `bottom`, which is `top` or below it; both included. */
export function foldersBetween(top: string, bottom: string): string[] {
  const folders = [bottom];
  for (let folder = bottom; folder !== top && folder !== dirname(folder); folder = dirname(folder)) {
    folders.unshift(dirname(folder));
  }
  return folders;
}

/** A folder's name is durable only once that of each folder above it is, but none need be synced twice. */
function deepestFirst(folders: Iterable<string>): string[] {
  return [...folders].sort((a, b) => b.split('/').length - a.split('/').length);
}
