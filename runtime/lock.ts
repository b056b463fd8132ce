import { closeSync, fstatSync, openSync, statSync } from 'node:fs';
import { LOCK_ATTEMPTS_MAX, neverTheSame, notLocked, notOpened } from './lock-errors.ts';
import { errno, FLOCK_AT_ONCE, flock } from './native.ts';

/** A lock that the kernel frees when its process ends, however it ends. */
export interface FileLock {
  /** False once somebody has removed or replaced the file: another process can have the lock then, beside this one. */
  isHeld(): boolean;
  release(): void;
}

/**
 * Takes an exclusive `flock(2)` on `path`, creating the file, on a local disk: a mount that hangs would hang the thread, and
 * `mount-lock.ts` is for those. libuv opens with close-on-exec, so no child keeps it.
 * Throws `LOCK_HELD` when another open file holds it, `LOCK_FAILED` when the file system has no locks.
 */
export function lockFile(path: string, open: typeof openSync = openSync): FileLock {
  for (let attempt = 0; attempt < LOCK_ATTEMPTS_MAX; attempt += 1) {
    const descriptor = openedFile(path, open);
    takeLock(descriptor, path);
    const isHeld = (): boolean => isFileAt(path, descriptor);
    if (isHeld()) return { isHeld, release: () => closeSync(descriptor) };
    // Removed between the two calls: the next process would lock another file.
    closeSync(descriptor);
  }
  throw neverTheSame(path);
}

function openedFile(path: string, open: typeof openSync): number {
  try {
    return open(path, 'a', 0o660);
  } catch (cause) {
    throw notOpened(path, cause);
  }
}

/** Closes the file where it cannot be locked. */
function takeLock(descriptor: number, path: string): void {
  if (flock(descriptor, FLOCK_AT_ONCE) === 0) return;
  const code = errno();
  closeSync(descriptor);
  throw notLocked(path, code);
}

function isFileAt(path: string, descriptor: number): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  const opened = fstatSync(descriptor);
  return found !== undefined && found.ino === opened.ino && found.dev === opened.dev;
}
