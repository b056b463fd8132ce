import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findHourFiles, recordsOf } from '../../cli/audit/hour-files.ts';
import { GATEWAY_STATION } from '../../protocol/record.ts';
import type { Shore } from './shore.ts';

/** A record as it stands in a file of the sink. */
export interface SinkRecord {
  readonly id: string;
  readonly station: string;
  readonly kind: string;
  readonly timestamp: string;
  readonly info?: { readonly event?: string; readonly count?: number };
  readonly [metric: string]: unknown;
}

export function recordsFolder({ folder }: Pick<Shore, 'folder'>): string {
  return join(folder, 'records');
}

/** Every record of a sink that is at rest. Throws for a line that is not finished. */
export async function readSink(shore: Shore): Promise<SinkRecord[]> {
  const folder = recordsFolder(shore);
  const records: SinkRecord[] = [];
  const onUnfinished = (place: string): never => {
    throw new Error(`${place}: half a line`);
  };
  for (const path of await findHourFiles(folder)) {
    for await (const record of recordsOf(folder, path, onUnfinished)) records.push(record as unknown as SinkRecord);
  }
  return records;
}

/** Ids that the log of acknowledgements holds, one a line. */
export function readAcks({ folder }: Pick<Shore, 'folder'>): string[] {
  return readFileSync(join(folder, 'acks.txt'), 'utf8').split('\n').slice(0, -1);
}

/** Samples of a whole second of event time, the median over all seconds in which there were any. */
export function medianRate(records: readonly SinkRecord[]): number {
  const perSecond = new Map<string, number>();
  for (const { kind, station, timestamp } of records) {
    if (kind !== 'sample' || station === GATEWAY_STATION) continue;
    const second = timestamp.slice(0, 'yyyy-mm-ddThh:mm:ss'.length);
    perSecond.set(second, (perSecond.get(second) ?? 0) + 1);
  }
  const sorted = [...perSecond.values()].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
