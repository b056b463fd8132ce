import { MooringError } from './errors.ts';

/** `errno` of `flock(2)` where another open file has the lock. */
export const EWOULDBLOCK = 11;

/** A lock file that is removed between opening and locking is opened anew so often. */
export const LOCK_ATTEMPTS_MAX = 10;

export function notOpened(path: string, cause: unknown): MooringError {
  return new MooringError('LOCK_FAILED', 'the lock file cannot be opened', {
    cause,
    context: { path },
    hint: 'Check that its folder exists and that this user may write there.',
  });
}

/** @param code `errno` */
export function notLocked(path: string, code: number): MooringError {
  return code === EWOULDBLOCK
    ? new MooringError('LOCK_HELD', 'another process holds the lock', { context: { path } })
    : new MooringError('LOCK_FAILED', 'this file system cannot lock files', { context: { path, errno: code } });
}

export function neverTheSame(path: string): MooringError {
  return new MooringError('LOCK_FAILED', 'the lock file is another one at each look', {
    context: { path },
    hint: 'This file system gives a file no number that lasts: use a local disk.',
  });
}
