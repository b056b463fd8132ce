import {
  closeSync,
  constants,
  lstatSync,
  readlinkSync,
  readSync,
  renameSync,
  symlinkSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { errno, libcFunction } from '../runtime/native.ts';

const openMaster = libcFunction('int posix_openpt(int flags)') as (flags: number) => number;
const grant = libcFunction('int grantpt(int fd)') as (fd: number) => number;
const unlock = libcFunction('int unlockpt(int fd)') as (fd: number) => number;
const slaveName = libcFunction('int ptsname_r(int fd, void *name, size_t length)') as (...p: unknown[]) => number;
const openFile = libcFunction('int open(const char *path, int flags)') as (...p: unknown[]) => number;
const getAttributes = libcFunction('int tcgetattr(int fd, void *termios)') as (...p: unknown[]) => number;
const makeRaw = libcFunction('void cfmakeraw(void *termios)') as (...p: unknown[]) => unknown;
const setAttributes = libcFunction('int tcsetattr(int fd, int when, const void *termios)') as (
  ...p: unknown[]
) => number;
const discard = libcFunction('int tcflush(int fd, int queue)') as (...p: number[]) => number;

/** O_CLOEXEC, which Node's constants lack: no child keeps the line alive after its test closed it. */
const O_CLOEXEC = 0o2000000;
const FLAGS = constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK | O_CLOEXEC;
/** `struct termios` has 60 bytes on Linux with glibc; room for others. */
const TERMIOS_BYTES = 256;
const NAME_BYTES = 128;
const TCSANOW = 0;
const TCIFLUSH = 0;
/** How long to wait for a reader that has let the kernel's buffer fill up, before trying again. */
const FULL_WAIT_MS = 5;

/** A serial line made of a pseudo-terminal: a test plays the device, a program under test opens `path`. */
export interface Pty {
  /** What a program opens: the link where one was asked for, else the terminal itself. */
  readonly path: string;
  /** The terminal itself, which changes at every opening as `/dev/ttyUSB0` may. */
  readonly device: string;
  /**
   * Sends bytes, unchanged. Resolves when the kernel has taken them all, with true; while a slow reader leaves no room it
   * waits without blocking the event loop. Resolves with false when the line is closed before that. One write at a time:
   * later ones wait for earlier ones.
   */
  write(bytes: Uint8Array | string): Promise<boolean>;
  /** What a program has sent since the last call, without waiting. */
  read(): Buffer;
  /** Throws away what was sent and not read, as a line does to which nobody listens. */
  discard(): void;
  /** Unplugs the device: whoever has the terminal open loses it, and the link is removed if it is still this one's. */
  close(): void;
}

export interface PtyOptions {
  /** A symbolic link to the terminal, in an existing folder: plays /dev/serial/by-id. One that exists is replaced. */
  readonly link?: string;
}

/** Opens a new pseudo-terminal in raw mode. Linux only, like the gateway. */
export function openPty(options: PtyOptions = {}): Pty {
  const master = check(openMaster(FLAGS), 'posix_openpt');
  check(grant(master), 'grantpt');
  check(unlock(master), 'unlockpt');
  const device = deviceOf(master);
  // Held open, because the kernel forgets the raw mode and the bytes in flight when the last reader goes.
  const slave = check(openFile(device, FLAGS), 'open');
  setRaw(slave);
  if (options.link !== undefined) replaceLink(options.link, device);

  let isOpen = true;
  let last: Promise<boolean> = Promise.resolve(true);
  const send = async (bytes: Uint8Array): Promise<boolean> => {
    let sent = 0;
    while (isOpen && sent < bytes.length) {
      const taken = writeSome(master, bytes.subarray(sent));
      if (taken === 0) await sleep(FULL_WAIT_MS);
      sent += taken;
    }
    return sent === bytes.length;
  };
  return {
    path: options.link ?? device,
    device,
    write(bytes) {
      const raw = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;
      last = last.then(() => send(raw));
      return last;
    },
    read: () => (isOpen ? readSome(master) : Buffer.alloc(0)),
    discard() {
      if (isOpen) check(discard(slave, TCIFLUSH), 'tcflush');
    },
    close() {
      if (!isOpen) return;
      isOpen = false;
      closeSync(slave);
      closeSync(master);
      if (options.link !== undefined) removeLink(options.link, device);
    },
  };
}

function check(result: number, call: string): number {
  if (result < 0) throw new Error(`${call} failed with errno ${errno()}`);
  return result;
}

function deviceOf(master: number): string {
  const name = Buffer.alloc(NAME_BYTES);
  const failure = slaveName(master, name, name.length);
  if (failure !== 0) throw new Error(`ptsname_r failed with errno ${failure}`);
  return name.toString('latin1', 0, name.indexOf(0));
}

function setRaw(terminal: number): void {
  const termios = Buffer.alloc(TERMIOS_BYTES);
  check(getAttributes(terminal, termios), 'tcgetattr');
  makeRaw(termios);
  check(setAttributes(terminal, TCSANOW, termios), 'tcsetattr');
}

function writeSome(master: number, bytes: Uint8Array): number {
  try {
    return writeSync(master, bytes);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return 0;
    throw error;
  }
}

function readSome(master: number): Buffer {
  const bytes = Buffer.alloc(4096);
  try {
    return bytes.subarray(0, readSync(master, bytes));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return Buffer.alloc(0);
    throw error;
  }
}

/** By rename, so that there is no moment without a link, as udev does it. */
function replaceLink(link: string, device: string): void {
  const next = `${link}.next`;
  symlinkSync(device, next);
  renameSync(next, link);
}

function removeLink(link: string, device: string): void {
  if (lstatSync(link, { throwIfNoEntry: false }) !== undefined && readlinkSync(link) === device) unlinkSync(link);
}
