import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FlatRecord } from '../../central/recordlog/recordlog.ts';
import { FilesSink } from '../../central/sinks/files/files.ts';
import { systemClock } from '../../runtime/clock.ts';
import { silentLog } from '../../runtime/log.ts';
import type { SinkHarness } from './sink.ts';

/** Every record in the hour files of a folder. Fails on half a line. */
export function recordsIn(folder: string): FlatRecord[] {
  return (readdirSync(folder, { recursive: true }) as string[])
    .filter((path) => path.endsWith('.ndjson'))
    .flatMap((path) =>
      readFileSync(join(folder, path), 'utf8')
        .split(/(?<=\n)/)
        .filter((line) => line !== '')
        .map((line) => {
          if (!line.endsWith('\n')) throw new Error(`${path} ends with half a line: ${line}`);
          return JSON.parse(line) as FlatRecord;
        }),
    );
}

export const harness: SinkHarness = {
  make: (place) =>
    new FilesSink({
      name: 'archive',
      path: join(place, 'records'),
      clock: systemClock,
      log: silentLog,
      commitIntervalMs: 5,
      gatherMs: 1,
    }),
  read: async (place) => recordsIn(join(place, 'records')),
};
