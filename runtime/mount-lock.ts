import { close, fstat, open } from 'node:fs';
import { stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { EWOULDBLOCK, LOCK_ATTEMPTS_MAX, neverTheSame, notLocked, notOpened } from './lock-errors.ts';
import { FLOCK_AT_ONCE, flockAside } from './native.ts';

const EINTR = 4;

/**
 * `held`: this process has it. It may have been without it since the last look, and another may have come and gone: who
 * writes has to look at what another would have changed. `taken`: another has it. `removed`: somebody has removed or
 * replaced the file. `gone`: the mount that it was on is no more, or has forgotten the open file, and the lock with it.
 */
export type LockState = 'held' | 'taken' | 'removed' | 'gone';

/** A lock on a file system that may hang, come back, and forget: nothing here holds up the thread. */
export interface MountLock {
  /** Rejects with Node's errors where the path cannot be looked at. */
  state(): Promise<LockState>;
  /** May be called again. */
  release(): Promise<void>;
}

type Open = (path: string, flags: string, mode: number) => Promise<number>;

/**
 * Takes an exclusive `flock(2)` on `path`, creating the file. Rejects with `LOCK_HELD` when another open file holds it, with
 * `LOCK_FAILED` when the file system has no locks. Resolves as late as the file system answers.
 */
export async function lockOnMount(path: string, openFile: Open = promisify(open)): Promise<MountLock> {
  for (let attempt = 0; attempt < LOCK_ATTEMPTS_MAX; attempt += 1) {
    const descriptor = await openFile(path, 'a', 0o660).catch((cause: unknown) => {
      throw notOpened(path, cause);
    });
    const lock = new HeldLock(path, descriptor);
    const code = await flocked(descriptor);
    if (code === 0 && (await lock.state()) === 'held') return lock;
    await lock.release();
    if (code !== 0) throw notLocked(path, code);
    // Removed between the two calls: the next process would lock another file.
  }
  throw neverTheSame(path);
}

class HeldLock implements MountLock {
  readonly #path: string;
  #descriptor: number | undefined;

  constructor(path: string, descriptor: number) {
    this.#path = path;
    this.#descriptor = descriptor;
  }

  async state(): Promise<LockState> {
    const descriptor = this.#descriptor;
    if (descriptor === undefined) return 'gone';
    const found = await stat(this.#path).catch(onlyAbsent);
    try {
      const opened = await promisify(fstat)(descriptor);
      if (found === undefined || found.ino !== opened.ino || found.dev !== opened.dev) return 'removed';
    } catch {
      return 'gone';
    }
    // JuiceFS answers `fstat` on a file that was opened before it was restarted; the lock belongs to nobody then, and is free
    // a minute later. Locking what is locked changes nothing, and fails where it no longer is.
    const code = await flocked(descriptor);
    if (code === 0) return 'held';
    return code === EWOULDBLOCK ? 'taken' : 'gone';
  }

  async release(): Promise<void> {
    const descriptor = this.#descriptor;
    this.#descriptor = undefined;
    if (descriptor === undefined) return;
    // The kernel has let go of it whatever the mount says.
    await promisify(close)(descriptor).catch(() => undefined);
  }
}

async function flocked(descriptor: number): Promise<number> {
  for (;;) {
    const code = await flockAside(descriptor, FLOCK_AT_ONCE);
    if (code !== EINTR) return code;
  }
}

function onlyAbsent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
