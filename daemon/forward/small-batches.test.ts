/** Where a batch is a datagram, a busy gateway has no time for a look into its store for each. */
import { afterEach, expect, it, vi } from 'vitest';
import { ForwardBench, saysNothing } from '../../test/simulation/forward-bench.ts';

let bench: ForwardBench;
afterEach(async () => {
  await bench.stop();
});

/** A backlog in front of a link that takes small batches, so many of which may be under way; how often the store gave rows. */
async function looksInto(batchesInFlightMax: number): Promise<number> {
  const limits = { batchBytesMax: 1100, batchesInFlightMax, batchesUnsentMax: 512 };
  bench = new ForwardBench({ limits });
  bench.answer = saysNothing;
  const take = vi.spyOn(bench.store, 'take');
  // Each with a text of its own, so that thirty fill a batch.
  for (let each = 0; each < 2000; each += 1) await bench.append(1, { text: `${each}`.padEnd(30, 'x') });
  bench.start();
  await bench.advance(1000);
  const results = await Promise.all(take.mock.results.map(({ value }) => value as ReturnType<typeof bench.store.take>));
  return results.filter((taken) => taken !== undefined).length;
}

it('one look fills up to eight', async () => {
  const looks = await looksInto(512);
  expect(bench.arrivals.length).toBeGreaterThan(32);
  expect(bench.arrivals.length / looks).toBeGreaterThan(4);
  expect(bench.arrivals.length / looks).toBeLessThanOrEqual(8);
  const sequences = bench.arrivals.flatMap(({ batch }) => batch.records.map(({ sequence }) => sequence));
  expect(new Set(sequences).size).toBe(sequences.length);
});

it('takes no more than have room', async () => {
  await looksInto(8);
  // Of eight places one is kept for what is urgent, and live and backlog share the rest.
  expect(bench.arrivals).toHaveLength(3);
});
