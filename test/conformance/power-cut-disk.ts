import assert from 'node:assert/strict';
import { basename, dirname } from 'node:path';
import type { Disk } from '../../central/sinks/disk.ts';
import { MooringError } from '../../runtime/errors.ts';
import type { MountLock } from '../../runtime/mount-lock.ts';
import type { Random } from '../../runtime/random.ts';

interface File {
  content: Uint8Array;
  synced: Uint8Array;
}

interface Folder {
  entries: Map<string, File | Folder>;
  synced: Map<string, File | Folder>;
}

/** The process or the machine has died in the middle of an operation. */
export class Died extends Error {}

/** How the next operations end. */
export interface Fate {
  /** Operations that still succeed; steps within a write count each. */
  steps: number;
  /** How it ends then: the power goes, the process is killed, or the disk is full until `steps` is raised again. */
  end: 'power' | 'kill' | 'full';
}

/**
 * A disk in memory that keeps of a power cut only what POSIX promises: the content of files that were synced, and the
 * names in folders that were synced; of the rest, whatever chance decides.
 */
export class PowerCutDisk implements Disk {
  readonly fate: Fate = { steps: Number.POSITIVE_INFINITY, end: 'power' };
  readonly #random: Random;
  #root: Folder = newFolder();
  readonly #locks = new Map<string, MountLock>();
  /** Nothing works until `restart`. */
  isDead = false;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Everything is started again, on what the death left. */
  restart(): void {
    if (this.fate.end === 'power') this.#root = this.#afterPowerCut(this.#root);
    this.#locks.clear();
    this.isDead = false;
    this.fate.steps = Number.POSITIVE_INFINITY;
  }

  /** Relative paths of the files below a folder, with their content. */
  files(path: string): Map<string, string> {
    const found = new Map<string, string>();
    const visit = (folder: Folder, prefix: string): void => {
      for (const [name, entry] of folder.entries) {
        if ('entries' in entry) visit(entry, `${prefix}${name}/`);
        else found.set(prefix + name, Buffer.from(entry.content).toString('utf8'));
      }
    };
    const folder = this.#find(path);
    if (folder !== undefined && 'entries' in folder) visit(folder, '');
    return found;
  }

  async lock(path: string): Promise<MountLock> {
    this.#step();
    if (this.#locks.has(path)) throw new MooringError('LOCK_HELD', 'held');
    this.#folderOf(path);
    const isHeld = (): boolean => this.#locks.get(path) === lock;
    const lock: MountLock = {
      state: async () => (isHeld() ? 'held' : 'removed'),
      release: async () => void (isHeld() && this.#locks.delete(path)),
    };
    this.#locks.set(path, lock);
    return lock;
  }

  async makeFolder(path: string): Promise<void> {
    for (const above of ancestors(path)) {
      if (this.#find(above) !== undefined) continue;
      this.#step();
      this.#folderOf(above).entries.set(basename(above), newFolder());
    }
  }

  async list(path: string): Promise<readonly string[] | undefined> {
    this.#step();
    const folder = this.#find(path);
    return folder !== undefined && 'entries' in folder ? [...folder.entries.keys()] : undefined;
  }

  async size(path: string): Promise<number | undefined> {
    return (await this.read(path))?.length;
  }

  async read(path: string): Promise<Uint8Array | undefined> {
    this.#step();
    const file = this.#find(path);
    return file !== undefined && 'content' in file ? file.content : undefined;
  }

  async readPart(path: string, from: number, length: number): Promise<Uint8Array> {
    return (await this.read(path))?.subarray(from, from + length) ?? new Uint8Array();
  }

  async writeFrom(path: string, from: number, data: Uint8Array): Promise<void> {
    this.#step();
    const { entries } = this.#folderOf(path);
    if (from === 0 && !entries.has(basename(path))) {
      entries.set(basename(path), { content: new Uint8Array(), synced: new Uint8Array() });
    }
    const file = entries.get(basename(path));
    if (file === undefined || !('content' in file)) throw systemError('ENOENT');
    assert(file.content.length >= from, 'a cut never makes a file longer');
    file.content = file.content.slice(0, from);
    const half = Math.floor(this.#random.uniform() * (data.length + 1));
    this.#step();
    file.content = Buffer.concat([file.content, data.subarray(0, half)]);
    this.#step();
    file.content = Buffer.concat([file.content, data.subarray(half)]);
    this.#step();
    file.synced = file.content;
  }

  async copyFrom(path: string, from: number, to: string): Promise<void> {
    const content = await this.read(path);
    if (content === undefined) throw systemError('ENOENT');
    await this.writeFrom(to, 0, content.subarray(from));
  }

  async rename(from: string, to: string): Promise<void> {
    this.#step();
    const source = this.#folderOf(from).entries;
    const entry = source.get(basename(from));
    if (entry === undefined) throw systemError('ENOENT');
    source.delete(basename(from));
    this.#folderOf(to).entries.set(basename(to), entry);
  }

  async remove(path: string): Promise<void> {
    this.#step();
    this.#folderOf(path).entries.delete(basename(path));
    this.#locks.delete(path);
  }

  async syncFolder(path: string): Promise<void> {
    this.#step();
    const folder = this.#find(path);
    if (folder === undefined || !('entries' in folder)) throw systemError('ENOENT');
    folder.synced = new Map(folder.entries);
  }

  #step(): void {
    if (this.isDead) throw new Died();
    if (this.fate.steps > 0) {
      this.fate.steps -= 1;
      return;
    }
    if (this.fate.end === 'full') throw systemError('ENOSPC');
    this.isDead = true;
    throw new Died();
  }

  #find(path: string): File | Folder | undefined {
    let found: File | Folder | undefined = this.#root;
    for (const name of path.split('/').filter((part) => part !== '')) {
      found = found !== undefined && 'entries' in found ? found.entries.get(name) : undefined;
    }
    return found;
  }

  #folderOf(path: string): Folder {
    const folder = this.#find(dirname(path));
    if (folder === undefined || !('entries' in folder)) throw systemError('ENOENT');
    return folder;
  }

  /** For each name and each content: what was synced, or what was not, as chance has it. */
  #afterPowerCut(folder: Folder): Folder {
    const entries = new Map<string, File | Folder>();
    for (const name of new Set([...folder.synced.keys(), ...folder.entries.keys()])) {
      const entry = (this.#flip() ? folder.synced : folder.entries).get(name);
      if (entry !== undefined) entries.set(name, 'entries' in entry ? this.#afterPowerCut(entry) : this.#torn(entry));
    }
    return { entries, synced: new Map(entries) };
  }

  #torn({ content, synced }: File): File {
    const isLonger = content.length > synced.length;
    if (!isLonger) return keptFile(this.#flip() ? content : synced);
    const length = synced.length + Math.floor(this.#random.uniform() * (content.length - synced.length + 1));
    const kept = content.slice(0, length);
    // A length may reach the disk before the bytes do: they read as zeros then.
    if (this.#flip()) kept.fill(0, Math.min(length, synced.length));
    return keptFile(kept);
  }

  #flip(): boolean {
    return this.#random.uniform() < 0.5;
  }
}

function newFolder(): Folder {
  return { entries: new Map(), synced: new Map() };
}

function keptFile(content: Uint8Array): File {
  return { content, synced: content };
}

function ancestors(path: string): string[] {
  return path === '/' ? [] : [...ancestors(dirname(path)), path];
}

function systemError(code: string): Error {
  return Object.assign(new Error(code), { code, syscall: 'write' });
}
