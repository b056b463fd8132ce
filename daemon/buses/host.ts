import { execFile } from 'node:child_process';
import { readdir, readFile, statfs } from 'node:fs/promises';
import type { HostSystem } from '../../drivers/driver.ts';
import { MooringError } from '../../runtime/errors.ts';
import { kernelClockOffsetS } from '../../runtime/kernel-clock.ts';

/** A program that is asked something answers within this, in milliseconds, and in so many bytes. */
const PROGRAM_MS = 5000;
const PROGRAM_BYTES_MAX = 262_144;

/** What this machine says of itself: /proc, /sys, its file systems, and programs that are installed. */
export const thisHost: HostSystem = {
  async read(path, signal) {
    return (await asked(path, async () => await readFile(path, { encoding: 'utf8', signal }))).trim();
  },

  async list(path, signal) {
    signal.throwIfAborted();
    return (await asked(path, async () => await readdir(path))).sort();
  },

  async space(path, signal) {
    signal.throwIfAborted();
    const { bavail, blocks, bsize } = await asked(path, async () => await statfs(path));
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  },

  async run(program, args, signal) {
    return await new Promise((resolve, reject) => {
      const limits = { timeout: PROGRAM_MS, maxBuffer: PROGRAM_BYTES_MAX, encoding: 'utf8', signal } as const;
      execFile(program, [...args], limits, (error, printed) => {
        if (error === null) resolve(printed);
        else reject(signal.aborted ? (signal.reason as Error) : programError(program, error));
      });
    });
  },

  clockOffsetS: kernelClockOffsetS,
};

async function asked<T>(path: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw new MooringError('PORT_ABSENT', `there is no ${path}`, { cause, context: { path } });
    }
    if (code === 'EACCES' || code === 'EPERM') {
      throw new MooringError('PORT_PERMISSION', `this user may not read ${path}`, { cause, context: { path } });
    }
    throw cause;
  }
}

function programError(program: string, cause: Error & { readonly code?: unknown }): MooringError {
  const context = { program };
  if (cause.code === 'ENOENT') {
    return new MooringError('PORT_ABSENT', `there is no program ${program}`, { cause, context });
  }
  return new MooringError('SENSOR_FAILED', `${program} failed`, { cause, context });
}
