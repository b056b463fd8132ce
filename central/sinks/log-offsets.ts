import type { LogPosition } from './sink.ts';

/** Log → partition → offset. */
export type LogOffsets = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** Of one log, by partition; empty where it is not known. */
export function offsetsOf(logs: LogOffsets, log: string): ReadonlyMap<number, number> {
  return new Map(Object.entries(logs[log] ?? {}).map(([partition, offset]) => [Number(partition), offset]));
}

/**
 * With the offsets of a position in the place of those that the same partitions had; the same object where that changes
 * nothing. They may be lower: a log that has begun anew is read again.
 */
export function withPosition(logs: LogOffsets, { log, offsets }: LogPosition): LogOffsets {
  const known = logs[log] ?? {};
  const isKnown = [...offsets].every(([partition, offset]) => known[partition] === offset);
  return isKnown ? logs : { ...logs, [log]: { ...known, ...Object.fromEntries(offsets) } };
}
