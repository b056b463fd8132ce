import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { libcFunction } from './native.ts';

const adjtimex = libcFunction('int adjtimex(void *buffer)') as unknown as (buffer: Buffer) => number;

/** `struct timex` of adjtimex(2) on 64-bit Linux: its length and where `maxerror` stands, in bytes. */
const TIMEX_BYTES = 208;
const MAXERROR_AT = 24;
/** The kernel's own limit, NTP_PHASE_LIMIT, in microseconds: what it says where nobody disciplines the clock. */
const MAXERROR_UNSYNCED_US = 16_000_000n;

/**
 * Whether something (chrony, timesyncd, ntpd) disciplines the system's clock. Judged by `maxerror`, as timedatectl
 * does: some daemons set STA_UNSYNC on purpose, to keep the kernel from writing the hardware clock.
 */
export function kernelClockIsSynchronised(): boolean {
  const timex = Buffer.alloc(TIMEX_BYTES);
  if (adjtimex(timex) < 0) return false;
  return timex.readBigInt64LE(MAXERROR_AT) < MAXERROR_UNSYNCED_US;
}

/** What the first hardware clock under `folder` says, in UTC milliseconds; undefined where there is none to read. */
export function hardwareClockMs(folder: string = '/sys/class/rtc'): number | undefined {
  try {
    const [first] = readdirSync(folder).sort();
    if (first === undefined) return undefined;
    const seconds = Number(readFileSync(join(folder, first, 'since_epoch'), 'latin1').trim());
    return Number.isSafeInteger(seconds) ? seconds * 1000 : undefined;
  } catch {
    // No such folder, or a chip that does not answer: there is no hardware clock, and that is the answer.
    return undefined;
  }
}
