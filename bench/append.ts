import { join } from 'node:path';
import { SqliteStore } from '../daemon/store/sqlite-store.ts';
import { systemClock } from '../runtime/clock.ts';
import { cityObservations } from './city-records.ts';
import type { Benchmark, Figure } from './figure.ts';
import { RawRows, rowsOf } from './raw-rows.ts';
import { inTurn } from './rounds.ts';
import { storeOptions } from './store-options.ts';

const SEED = 7;
const ROUNDS = 14;
const BATCH = 100;
/** Long enough that the write-ahead log is copied back in every few rounds of either side. */
const BATCHES_PER_ROUND = 100;
/** Appends that are handed over before the first is answered, where they are not awaited one by one. */
const PIPELINED = 8;
const SINGLES_PER_ROUND = 300;

/** Records a second of `work`, which stores so many. */
async function rateOf(records: number, work: () => Promise<void> | void): Promise<number> {
  const startMs = systemClock.monotonicMs();
  await work();
  return (records * 1000) / (systemClock.monotonicMs() - startMs);
}

/** How fast the store makes records durable, beside SQLite alone with the same rows and the same promise. */
export const append: Benchmark = {
  name: 'append',
  about: [
    `Records a second that the store makes durable: append ${BATCH}, wait for the disk, append the next ${BATCH}.`,
    'Limit: better-sqlite3 alone, in turn with it on the same disk: the same rows (already encoded), schema, pragmas and',
    `transactions. Medians of ${ROUNDS} rounds each. pipelined: ${PIPELINED} appends under way at a time; singles: one record an append.`,
  ],
  async run({ folder }) {
    const observations = cityObservations(SEED, BATCH * BATCHES_PER_ROUND);
    const rows = rowsOf(observations);
    const slices = <T>(of: readonly T[], size: number, count: number): T[][] =>
      Array.from({ length: count }, (_, index) => of.slice(index * size, (index + 1) * size));
    const batches = slices(observations, BATCH, BATCHES_PER_ROUND);
    const rowBatches = slices(rows, BATCH, BATCHES_PER_ROUND);
    const singles = slices(observations, 1, SINGLES_PER_ROUND);
    const rowSingles = slices(rows, 1, SINGLES_PER_ROUND);

    const store = new SqliteStore(storeOptions(join(folder, 'store.db')));
    const raw = new RawRows(join(folder, 'raw.db'));
    await store.open();
    try {
      const appendEach = async (all: readonly (typeof observations)[]): Promise<void> => {
        for (const batch of all) await store.append(batch, { urgent: false });
      };
      const appendPipelined = async (): Promise<void> => {
        for (let from = 0; from < batches.length; from += PIPELINED) {
          const together = batches.slice(from, from + PIPELINED);
          await Promise.all(together.map((batch) => store.append(batch, { urgent: false })));
        }
      };
      const insertEach = (all: readonly (typeof rows)[]): void => {
        for (const batch of all) raw.insert(batch);
      };
      const perRound = observations.length;
      const ofRaw = (): Promise<number> => rateOf(perRound, () => insertEach(rowBatches));
      const [batched, batchedLimit] = await inTurn(ROUNDS, () => rateOf(perRound, () => appendEach(batches)), ofRaw);
      const [pipelined, pipelinedLimit] = await inTurn(ROUNDS, () => rateOf(perRound, appendPipelined), ofRaw);
      const [single, singleLimit] = await inTurn(
        ROUNDS,
        () => rateOf(SINGLES_PER_ROUND, () => appendEach(singles)),
        () => rateOf(SINGLES_PER_ROUND, () => insertEach(rowSingles)),
      );
      const unit = 'records/s';
      const figures: Figure[] = [
        { name: 'append/batches-of-100', value: batched, unit, limit: batchedLimit, goal: { atLeast: 0.7 } },
        { name: 'append/pipelined', value: pipelined, unit, limit: pipelinedLimit },
        { name: 'append/singles', value: single, unit, limit: singleLimit },
      ];
      return figures;
    } finally {
      raw.close();
      await store.close();
    }
  },
};
