import { createHash } from 'node:crypto';
import { recordIdOf, runIdOf, SALT_BYTES } from '../../../protocol/ids.ts';
import type { FlatRecord, LogEntry } from '../../recordlog/recordlog.ts';
import type { LogGap } from './target.ts';

/** Who speaks in records of the centre itself; no gateway can have this name. */
const CENTRE_GATEWAY = '_centre';

/**
 * The record that says in a sink itself what it will never have. Its run follows from what it says, so that the same gap,
 * however often it is found, stands there once. A run of which there is one record has no holes: audits take it as it is.
 */
export function gapEntryOf(sink: string, { log, partition, from, to }: LogGap, nowMs: number): LogEntry {
  const digest = createHash('sha256')
    .update(JSON.stringify([sink, log, partition, from, to]))
    .digest();
  const run = runIdOf(CENTRE_GATEWAY, digest.subarray(0, SALT_BYTES));
  const now = new Date(nowMs).toISOString();
  const flat: FlatRecord = {
    id: recordIdOf(run, 1),
    gateway: CENTRE_GATEWAY,
    station: sink,
    kind: 'gap',
    timestamp: now,
    // Nobody here has asked.
    clock: 'unsynced',
    info: { reason: 'expired', log, partition, from, to },
    received_at: now,
  };
  return { gateway: CENTRE_GATEWAY, run, records: [{ sequence: 1, flat }] };
}
