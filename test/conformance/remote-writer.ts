/**
 * A process that writes run 6 to a store, ten records at a time, until it is killed.
 * Arguments: URL of the module that exports the `harness`, place, first sequence. Messages: the last sequence that was confirmed.
 */
import process from 'node:process';
import { flatOf, runOf, span } from './entries.ts';
import { patient } from './patient-store.ts';
import { storeRecordOf } from './remote-records.ts';
import type { RemoteHarness } from './remote-store.ts';

const RUN = 6;
const RECORDS_PER_WRITE = 10;

async function main([moduleUrl, place, first]: readonly string[]): Promise<void> {
  const { harness } = (await import(moduleUrl as string)) as { harness: RemoteHarness };
  const store = patient(harness.make(place as string));
  await store.open(new AbortController().signal);
  for (let next = Number(first); ; next += RECORDS_PER_WRITE) {
    const last = next + RECORDS_PER_WRITE - 1;
    await store.write(span(next, last).map((sequence) => storeRecordOf(flatOf(runOf(RUN), sequence))));
    process.send?.(last);
  }
}

await main(process.argv.slice(2));
