import { writeSync } from 'node:fs';
import { libcFunction } from './native.ts';

/** `poll(2)`: one descriptor, without waiting. */
const poll = libcFunction('int poll(void *fds, unsigned long count, int timeoutMs)') as (
  fds: Buffer,
  count: number,
  timeoutMs: number,
) => number;
const POLLFD_BYTES = 8;
const EVENTS_AT = 4;
const POLLOUT = 4;
/** `PIPE_BUF` of Linux: so much a pipe that can be written to takes without waiting (pipe(7)). */
const BYTES_MAX = 4096;

/**
 * Writes as `writeSync` does, but never waits for who reads: a pipe or socket whose reader stands still would hold up the
 * whole process. Returns how many bytes were taken, 4096 at the most. Throws where none can be at once. A file is always
 * ready, as the kernel sees it.
 */
export function writeIfReady(fileDescriptor: number, bytes: Uint8Array): number {
  const asked = Buffer.alloc(POLLFD_BYTES);
  asked.writeInt32LE(fileDescriptor);
  asked.writeInt16LE(POLLOUT, EVENTS_AT);
  if (poll(asked, 1, 0) === 0) throw new Error('nobody reads what was written before');
  return writeSync(fileDescriptor, bytes.subarray(0, BYTES_MAX));
}
