import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';

/**
 * Processor time of a process since its start, all threads that it still has, in milliseconds. From
 * /proc/PID/task/TID/schedstat (nanoseconds), as the ticks of 10 ms in /proc/PID/stat are too coarse for an idle one.
 */
export function cpuMs(pid: number): number {
  let ns = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const [onCpuNs] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ');
    ns += Number(onCpuNs);
  }
  assert(ns > 0, 'this kernel keeps no schedstat');
  return ns / 1e6;
}

/** Resident memory of a process, in MiB: VmRSS of /proc/PID/status. */
export function rssMib(pid: number): number {
  return fieldOf(`/proc/${pid}/status`, 'VmRSS') / 1024;
}

/**
 * Bytes that a process has caused to be written to a disk, `write_bytes` of /proc/PID/io: whole pages of the page cache
 * (4 KiB), each time that they become dirty. The file system's own journal is not among them; on tmpfs it is 0.
 */
export function writtenBytes(pid: number | 'self'): number {
  return fieldOf(`/proc/${pid}/io`, 'write_bytes');
}

function fieldOf(path: string, name: string): number {
  const match = new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(readFileSync(path, 'latin1'));
  assert(match !== null, `${path} says ${name}`);
  return Number(match[1]);
}
