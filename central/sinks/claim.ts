import { join } from 'node:path';
import type { Clock } from '../../runtime/clock.ts';
import { MooringError } from '../../runtime/errors.ts';
import type { Log } from '../../runtime/log.ts';
import type { MountLock } from '../../runtime/mount-lock.ts';
import type { Disk } from './disk.ts';

/** How often a copy that stands by looks whether the writer is gone, in milliseconds. */
const STANDBY_MS = 500;

/** Out of room is no property of the mount: it passes. */
const NO_ROOM: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT']);

export interface ClaimOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Another process has the folder: this one waits now. */
  readonly onStandby: () => void;
}

/**
 * Becomes the one writer of a folder: takes the lock, waiting while another process has it, until `signal` is aborted.
 * Throws `SINK_MOUNT_UNFIT` when the file system has no locks.
 */
export async function claimFolder(
  disk: Disk,
  folder: string,
  { clock, log, signal, onStandby }: ClaimOptions,
): Promise<MountLock> {
  let isStandingBy = false;
  for (;;) {
    signal.throwIfAborted();
    try {
      const lock = await disk.lock(join(folder, 'lock'));
      if (isStandingBy) log.info({ folder }, 'the other writer is gone: taking over');
      return lock;
    } catch (error) {
      if (!(error instanceof MooringError) || error.code !== 'LOCK_HELD') throw unfitMount(folder, 'lock', error);
    }
    if (!isStandingBy) {
      isStandingBy = true;
      log.info({ folder }, 'another process writes here: standing by');
      onStandby();
    }
    await clock.sleep(STANDBY_MS, signal);
  }
}

/**
 * Tries on a throw-away file everything that a commit needs of the mount. Throws `SINK_MOUNT_UNFIT` with the step that
 * failed, or `SINK_FAILED` when the disk is merely full.
 */
export async function probeMount(disk: Disk, folder: string): Promise<void> {
  const first = join(folder, 'probe');
  const second = join(folder, 'probe.renamed');
  const attempt = async <T>(step: string, work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      throw unfitMount(folder, step, error);
    }
  };
  await attempt('write and fsync', disk.writeFrom(first, 0, Buffer.from('moor')));
  await attempt('append', disk.writeFrom(first, 4, Buffer.from('ing, and a tail')));
  await attempt('truncate', disk.writeFrom(first, 7, Buffer.alloc(0)));
  await attempt('rename', disk.rename(first, second));
  await attempt('fsync of a folder', disk.syncFolder(folder));
  const found = await attempt('read', disk.read(second));
  const text = found === undefined ? undefined : Buffer.from(found).toString('utf8');
  if (text !== 'mooring') throw unfitMount(folder, 'read back', new Error(`read ${JSON.stringify(text)}`));
  await attempt('remove', disk.remove(second));
}

/** The error for a place where a commit could not be kept. */
export function unfitMount(folder: string, step: string, cause: unknown): MooringError {
  const context = { folder, step };
  if (NO_ROOM.has((cause as NodeJS.ErrnoException).code)) {
    return new MooringError('SINK_FAILED', 'the disk is full', { cause, context, hint: 'Make room.' });
  }
  return new MooringError('SINK_MOUNT_UNFIT', 'this place cannot keep records safely', {
    cause,
    context,
    hint: 'A sink needs a folder that this user may write, on a file system with flock, rename, truncate and fsync of files and folders.',
  });
}
