import { closeSync, openSync } from 'node:fs';
import { MooringError } from './errors.ts';
import { errno, flock } from './native.ts';

const LOCK_EX = 2;
const LOCK_NB = 4;
const EWOULDBLOCK = 11;

/** A lock that the kernel frees when its process ends, however it ends. */
export interface FileLock {
  release(): void;
}

/**
 * Takes an exclusive `flock(2)` on `path`, creating the file. libuv opens with close-on-exec, so no child keeps it.
 * Throws `LOCK_HELD` when another open file holds it, `LOCK_FAILED` when the file system has no locks.
 */
export function lockFile(path: string): FileLock {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'a', 0o660);
  } catch (cause) {
    throw new MooringError('LOCK_FAILED', 'the lock file cannot be opened', {
      cause,
      context: { path },
      hint: 'Check that its folder exists and that this user may write there.',
    });
  }
  if (flock(descriptor, LOCK_EX | LOCK_NB) !== 0) {
    const code = errno();
    closeSync(descriptor);
    throw code === EWOULDBLOCK
      ? new MooringError('LOCK_HELD', 'another process holds the lock', { context: { path } })
      : new MooringError('LOCK_FAILED', 'this file system cannot lock files', { context: { path, errno: code } });
  }
  return { release: () => closeSync(descriptor) };
}
