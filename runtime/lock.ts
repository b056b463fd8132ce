import { closeSync, fstat, fstatSync, openSync, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { MooringError } from './errors.ts';
import { errno, flock } from './native.ts';

const LOCK_EX = 2;
const LOCK_NB = 4;
const EWOULDBLOCK = 11;

/** A lock file that is removed between opening and locking is opened anew so often. */
const ATTEMPTS_MAX = 10;

export type LockState = 'held' | 'removed' | 'gone';

/** A lock that the kernel frees when its process ends, however it ends. */
export interface FileLock {
  /** False once somebody has removed or replaced the file: another process can have the lock then, beside this one. */
  isHeld(): boolean;
  /**
   * The same, without holding up the thread while a mount does not answer; `gone`: the mount that it was on is no more, and
   * the lock with it. Rejects with Node's errors where the path cannot be looked at.
   */
  state(): Promise<LockState>;
  release(): void;
}

/**
 * Takes an exclusive `flock(2)` on `path`, creating the file. libuv opens with close-on-exec, so no child keeps it.
 * Throws `LOCK_HELD` when another open file holds it, `LOCK_FAILED` when the file system has no locks.
 */
export function lockFile(path: string, open: typeof openSync = openSync): FileLock {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const descriptor = openedFile(path, open);
    takeLock(descriptor, path);
    const isHeld = (): boolean => isFileAt(path, descriptor);
    if (isHeld()) return { isHeld, state: () => stateOf(path, descriptor), release: () => closeSync(descriptor) };
    // Removed between the two calls: the next process would lock another file.
    closeSync(descriptor);
  }
  throw new MooringError('LOCK_FAILED', 'the lock file is another one at each look', {
    context: { path },
    hint: 'This file system gives a file no number that lasts: use a local disk.',
  });
}

function openedFile(path: string, open: typeof openSync): number {
  try {
    return open(path, 'a', 0o660);
  } catch (cause) {
    throw new MooringError('LOCK_FAILED', 'the lock file cannot be opened', {
      cause,
      context: { path },
      hint: 'Check that its folder exists and that this user may write there.',
    });
  }
}

/** Closes the file where it cannot be locked. */
function takeLock(descriptor: number, path: string): void {
  if (flock(descriptor, LOCK_EX | LOCK_NB) === 0) return;
  const code = errno();
  closeSync(descriptor);
  throw code === EWOULDBLOCK
    ? new MooringError('LOCK_HELD', 'another process holds the lock', { context: { path } })
    : new MooringError('LOCK_FAILED', 'this file system cannot lock files', { context: { path, errno: code } });
}

async function stateOf(path: string, descriptor: number): Promise<LockState> {
  const found = await stat(path).catch(onlyAbsent);
  try {
    const opened = await promisify(fstat)(descriptor);
    return found !== undefined && found.ino === opened.ino && found.dev === opened.dev ? 'held' : 'removed';
  } catch {
    return 'gone';
  }
}

function onlyAbsent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

function isFileAt(path: string, descriptor: number): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  const opened = fstatSync(descriptor);
  return found !== undefined && found.ino === opened.ino && found.dev === opened.dev;
}
