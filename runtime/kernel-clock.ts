import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { libcFunction } from './native.ts';

const adjtimex = libcFunction('int adjtimex(void *buffer)') as unknown as (buffer: Buffer) => number;

/** `struct timex` of adjtimex(2) on 64-bit Linux: its length and where its fields stand, in bytes. */
const TIMEX_BYTES = 208;
const OFFSET_AT = 8;
const MAXERROR_AT = 24;
const STATUS_AT = 40;
/** Of `status`: `offset` is in nanoseconds and not in microseconds. */
const STA_NANO = 0x2000;
/** The kernel's own limit, NTP_PHASE_LIMIT, in microseconds: what it says where nobody disciplines the clock. */
const MAXERROR_UNSYNCED_US = 16_000_000n;

/**
 * Whether something (chrony, timesyncd, ntpd) disciplines the system's clock. Judged by `maxerror`, as timedatectl
 * does: some daemons set STA_UNSYNC on purpose, to keep the kernel from writing the hardware clock.
 */
export function kernelClockIsSynchronised(): boolean {
  const timex = readTimex();
  return timex !== undefined && isSynchronised(timex);
}

/**
 * How far the kernel says that its clock is from the time it follows, in seconds, positive where it is behind; undefined
 * where it follows none. With chrony always 0, as that steers the clock by its rate.
 */
export function kernelClockOffsetS(): number | undefined {
  const timex = readTimex();
  if (timex === undefined || !isSynchronised(timex)) return undefined;
  const perSecond = (timex.readInt32LE(STATUS_AT) & STA_NANO) === 0 ? 1e6 : 1e9;
  return Number(timex.readBigInt64LE(OFFSET_AT)) / perSecond;
}

function readTimex(): Buffer | undefined {
  const timex = Buffer.alloc(TIMEX_BYTES);
  return adjtimex(timex) < 0 ? undefined : timex;
}

function isSynchronised(timex: Buffer): boolean {
  return timex.readBigInt64LE(MAXERROR_AT) < MAXERROR_UNSYNCED_US;
}

/**
 * What the first hardware clock under `folder` says, in UTC milliseconds; undefined where there is none to read. Takes as long as
 * the chip's bus takes, which sensors may hold.
 */
export async function hardwareClockMs(folder: string = '/sys/class/rtc'): Promise<number | undefined> {
  try {
    const [first] = (await readdir(folder)).sort();
    if (first === undefined) return undefined;
    const seconds = Number((await readFile(join(folder, first, 'since_epoch'), 'latin1')).trim());
    return Number.isSafeInteger(seconds) ? seconds * 1000 : undefined;
  } catch {
    // No such folder, or a chip that does not answer: there is no hardware clock, and that is the answer.
    return undefined;
  }
}
