/**
 * A process that writes one run to a sink or a record log, four entries at a time, until it is killed.
 * Arguments: URL of the module with the `harness`, place, number of the run, first sequence to write.
 * Messages: `{opened: true}`, then `{stored: [first, last]}` for each entry that was confirmed.
 */
import process from 'node:process';
import type { RecordLog } from '../../central/recordlog/recordlog.ts';
import type { Sink } from '../../central/sinks/sink.ts';
import { entryOf, runOf, span } from './entries.ts';

export const RECORDS_PER_ENTRY = 20;
const LANES = 4;

async function main([moduleUrl, place, runNumber, firstSequence]: readonly string[]): Promise<void> {
  const { harness } = (await import(moduleUrl as string)) as { harness: { make(place: string): Sink | RecordLog } };
  const target = harness.make(place as string);
  await target.open(new AbortController().signal);
  process.send?.({ opened: true });
  const run = runOf(Number(runNumber));
  let next = Number(firstSequence);
  const lane = async (): Promise<never> => {
    for (;;) {
      const first = next;
      const last = first + RECORDS_PER_ENTRY - 1;
      next = last + 1;
      const entry = entryOf(run, span(first, last));
      if ('write' in target) await target.write([entry]);
      else await target.append(entry);
      process.send?.({ stored: [first, last] });
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}

if (process.send !== undefined) await main(process.argv.slice(2));
