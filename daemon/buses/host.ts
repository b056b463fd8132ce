import { execFile } from 'node:child_process';
import { readdir, readFile, statfs } from 'node:fs/promises';
import type { HostSystem } from '../../drivers/driver.ts';
import type { Clock } from '../../runtime/clock.ts';
import { MooringError } from '../../runtime/errors.ts';
import { kernelClockOffsetS } from '../../runtime/kernel-clock.ts';
import type { Log } from '../../runtime/log.ts';
import { CallLane } from './call-lane.ts';

/** How long a file may take, in milliseconds: one of a card that is failing, or of a server that is gone, takes for ever. */
const FILE_MS = 2000;
/** A program that is asked something answers within this, in milliseconds, and in so many bytes. */
const PROGRAM_MS = 5000;
const PROGRAM_BYTES_MAX = 262_144;
/** Of the four threads on which the daemon's own files and its DNS wait as well. A file that hangs keeps one. */
const LANES = 2;

/** What this machine says of itself: /proc, /sys, its file systems, and programs that are installed. */
export function hostSystem(context: { readonly clock: Clock; readonly log: Log }): HostSystem {
  return new OwnHost(context);
}

class OwnHost implements HostSystem {
  readonly #clock: Clock;
  readonly #lanes: readonly CallLane<string>[];
  /** Where a path is being asked, or waits to be, and how often: in one lane at a time, so that one that hangs keeps one thread. */
  readonly #asked = new Map<string, { readonly lane: CallLane<string>; times: number }>();
  readonly clockOffsetS = kernelClockOffsetS;

  constructor({ clock, log }: { readonly clock: Clock; readonly log: Log }) {
    this.#clock = clock;
    const laneOptions = {
      clock,
      limitMs: FILE_MS,
      deadlineError,
      stuckError,
      onStuck: (path: string) => log.warn({ path, limitMs: FILE_MS }, 'a file of this machine does not answer'),
      onFree: (path: string, stuckMs: number) => log.info({ path, stuckMs }, 'the file of this machine has answered'),
    };
    this.#lanes = Array.from({ length: LANES }, () => new CallLane(laneOptions));
  }

  async read(path: string, signal: AbortSignal): Promise<string> {
    return (await this.#ask(path, signal, () => readFile(path, 'utf8'))).trim();
  }

  async list(path: string, signal: AbortSignal): Promise<string[]> {
    return (await this.#ask(path, signal, () => readdir(path))).sort();
  }

  async space(path: string, signal: AbortSignal): Promise<{ freeBytes: number; totalBytes: number }> {
    const { bavail, blocks, bsize } = await this.#ask(path, signal, () => statfs(path));
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  }

  async run(program: string, args: readonly string[], signal: AbortSignal): Promise<string> {
    signal.throwIfAborted();
    const late = new AbortController();
    const cancel = this.#clock.after(PROGRAM_MS, () => late.abort());
    try {
      return await new Promise<string>((resolve, reject) => {
        const either = AbortSignal.any([signal, late.signal]);
        const limits = {
          maxBuffer: PROGRAM_BYTES_MAX,
          encoding: 'utf8',
          signal: either,
          killSignal: 'SIGKILL',
        } as const;
        execFile(program, [...args], limits, (error, printed, complaint) => {
          if (error === null) resolve(printed);
          else if (signal.aborted) reject(signal.reason as Error);
          else reject(late.signal.aborted ? lateProgramError(program) : programError(program, error, complaint));
        });
      });
    } finally {
      cancel();
    }
  }

  /** Every file is asked once at a time, and none while it has not answered. */
  async #ask<T>(path: string, signal: AbortSignal, ask: () => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    const asked = this.#asked.get(path) ?? { lane: this.#shortestLane(path), times: 0 };
    this.#asked.set(path, asked);
    asked.times += 1;
    const done = (): void => {
      asked.times -= 1;
      if (asked.times === 0) this.#asked.delete(path);
    };
    let isOut = false;
    try {
      return await asked.lane.run(path, signal, async () => {
        isOut = true;
        try {
          return await ask();
        } catch (cause) {
          throw fileError(path, cause as NodeJS.ErrnoException);
        } finally {
          done();
        }
      });
    } finally {
      // Who gives up while it is out leaves it out.
      if (!isOut) done();
    }
  }

  #shortestLane(path: string): CallLane<string> {
    const lane = this.#lanes.filter(({ isStuck }) => !isStuck).sort((a, b) => a.length - b.length)[0];
    if (lane === undefined) throw stuckError(path);
    return lane;
  }
}

function deadlineError(path: string): MooringError {
  return new MooringError('DEADLINE', 'a file of this machine did not answer in time', {
    context: { path, limitMs: FILE_MS },
  });
}

function stuckError(path: string): MooringError {
  return new MooringError('BUS_STUCK', 'a file of this machine does not answer', {
    context: { path },
    hint: 'Hardware behind it that fails, or a file system of a server that is away: `dmesg` says which.',
  });
}

function fileError(path: string, cause: NodeJS.ErrnoException): MooringError {
  const options = { cause, context: { path } };
  switch (cause.code) {
    case 'ENOENT':
    case 'ENOTDIR':
    // A process that has ended meanwhile.
    case 'ESRCH':
      return new MooringError('PORT_ABSENT', 'this machine has no such file', options);
    case 'EACCES':
    case 'EPERM':
      return new MooringError('PORT_PERMISSION', 'this user may not read the file', options);
    default:
      return new MooringError('SENSOR_FAILED', 'a file of this machine cannot be read', options);
  }
}

function programError(program: string, cause: Error & { readonly code?: unknown }, complaint: string): MooringError {
  const context = { program };
  if (cause.code === 'ENOENT') {
    return new MooringError('PORT_ABSENT', 'this machine has no such program', { cause, context });
  }
  const said = complaint.trim().slice(0, 200);
  return new MooringError('SENSOR_FAILED', 'the program failed', { cause, context: { ...context, said } });
}

function lateProgramError(program: string): MooringError {
  return new MooringError('DEADLINE', 'the program did not answer in time', {
    context: { program, limitMs: PROGRAM_MS },
  });
}
