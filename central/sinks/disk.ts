import { constants, createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { lockOnMount, type MountLock } from '../../runtime/mount-lock.ts';

/**
 * What a sink on a file system needs of it, and no more, so that a test can hand in a disk that is full or loses power.
 * Every path is absolute. What is not said to be synced may be lost when the power goes.
 */
export interface Disk {
  /** Rejects with `LOCK_HELD` or `LOCK_FAILED`. */
  lock(path: string): Promise<MountLock>;
  /** Makes a folder and those above it, where they are absent. */
  makeFolder(path: string): Promise<void>;
  /** Names in a folder, undefined when there is none. */
  list(path: string): Promise<readonly string[] | undefined>;
  /** Bytes of a file, undefined when there is none. */
  size(path: string): Promise<number | undefined>;
  /** The whole of a small file, undefined when there is none. */
  read(path: string): Promise<Uint8Array | undefined>;
  /** Up to `length` bytes of a file from `from` on: fewer at its end, none when there is no file. */
  readPart(path: string, from: number, length: number): Promise<Uint8Array>;
  /** Cuts a file at `from` bytes, writes `data` there, and syncs its content. Made when absent and `from` is 0. */
  writeFrom(path: string, from: number, data: Uint8Array): Promise<void>;
  /** Copies what stands in a file from `from` bytes on to a file of its own, and syncs its content. */
  copyFrom(path: string, from: number, to: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Makes the names in a folder durable. */
  syncFolder(path: string): Promise<void>;
}

const FILE_MODE = 0o644;

/** The file system of this machine. Rejects with Node's own errors. */
export const nodeDisk: Disk = {
  lock: (path) => lockOnMount(path),
  async makeFolder(path) {
    await mkdir(path, { recursive: true });
  },
  list: (path) => orUndefined(readdir(path)),
  size: async (path) => (await orUndefined(stat(path)))?.size,
  read: (path) => orUndefined(readFile(path)),
  async readPart(path, from, length) {
    const file = await orUndefined(open(path, constants.O_RDONLY));
    if (file === undefined) return new Uint8Array();
    try {
      const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(length), 0, length, from);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  },
  async writeFrom(path, from, data) {
    const file = await open(path, from === 0 ? constants.O_RDWR | constants.O_CREAT : constants.O_RDWR, FILE_MODE);
    try {
      await file.truncate(from);
      await writeAll(file, data, from);
      await file.sync();
    } finally {
      await file.close();
    }
  },
  async copyFrom(path, from, to) {
    const file = await open(to, 'w', FILE_MODE);
    try {
      let written = 0;
      for await (const chunk of createReadStream(path, { start: from })) {
        await writeAll(file, chunk as Uint8Array, written);
        written += (chunk as Uint8Array).length;
      }
      await file.sync();
    } finally {
      await file.close();
    }
  },
  rename,
  remove: (path) => rm(path, { force: true }),
  async syncFolder(path) {
    const folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  },
};

/** `write(2)` may take less than it was given; on a full disk it does so once before it fails. */
async function writeAll(file: FileHandle, data: Uint8Array, from: number): Promise<void> {
  let written = 0;
  while (written < data.length) {
    written += (await file.write(data, written, data.length - written, from + written)).bytesWritten;
  }
}

async function orUndefined<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
