import { join } from 'node:path';
import { SqliteStore } from '../daemon/store/sqlite-store.ts';
import type { Observation } from '../protocol/record.ts';
import { systemClock } from '../runtime/clock.ts';
import { cityObservations } from './city-records.ts';
import type { Benchmark } from './figure.ts';
import { RawRows, type Row, rowsOf } from './raw-rows.ts';
import { inTurn } from './rounds.ts';
import { storeOptions } from './store-options.ts';

const SEED = 7;
const RECORDS = 8000;
const BATCH = 100;
/** Appends that are handed over before the first is answered, where they are not awaited one by one. */
const PIPELINED = 8;
/** Turns of each side: many short ones, as the time of a sync varies from one second to the next. */
const TURNS = { batches: 1000, pipelined: 200, singles: 600 } as const;

/** Milliseconds that the next piece of `pieces` takes, which go round. */
function timed<T>(pieces: readonly T[], work: (piece: T) => Promise<unknown> | undefined): () => Promise<number> {
  let turn = 0;
  return async () => {
    const piece = pieces[turn % pieces.length] as T;
    turn += 1;
    const startMs = systemClock.monotonicMs();
    const working = work(piece);
    // A side that is done when it returns must not pay for a turn of the event loop.
    if (working !== undefined) await working;
    return systemClock.monotonicMs() - startMs;
  };
}

/** How fast the store makes records durable, beside SQLite alone with the same rows and the same promise. */
export const append: Benchmark = {
  name: 'append',
  about: [
    `Records a second that the store makes durable: append ${BATCH}, wait for the disk, append the next ${BATCH}.`,
    'Limit: better-sqlite3 alone, in turn with it on the same disk: the same rows (already encoded), schema, pragmas and',
    `transactions. By the median of ${TURNS.batches} turns each. pipelined: ${PIPELINED} appends of ${BATCH} under way at a time; singles: one`,
    'record an append.',
  ],
  async run({ folder }) {
    const observations = cityObservations(SEED, RECORDS);
    const rows = rowsOf(observations);
    const store = new SqliteStore(storeOptions(join(folder, 'store.db')));
    const raw = new RawRows(join(folder, 'raw.db'));
    await store.open();
    try {
      /** Both sides with pieces of `batches` appends or transactions, each of `size` records; in records a second. */
      const compare = async (
        turns: number,
        size: number,
        batches: number,
      ): Promise<{ value: number; limit: number }> => {
        const appendAll = (piece: readonly Observation[][]): Promise<unknown> =>
          Promise.all(piece.map((batch) => store.append(batch, { urgent: false })));
        const insertAll = (piece: readonly Row[][]): undefined => {
          for (const batch of piece) raw.insert(batch);
        };
        const ofStore = timed(sliced(sliced(observations, size), batches), appendAll);
        const ofRaw = timed(sliced(sliced(rows, size), batches), insertAll);
        const [storeMs, rawMs] = await inTurn(turns, ofStore, ofRaw);
        const perSecond = size * batches * 1000;
        return { value: perSecond / storeMs, limit: perSecond / rawMs };
      };
      const unit = 'records/s';
      const batches = await compare(TURNS.batches, BATCH, 1);
      const pipelined = await compare(TURNS.pipelined, BATCH, PIPELINED);
      const singles = await compare(TURNS.singles, 1, 1);
      return [
        { name: 'append/batches-of-100', unit, ...batches, goal: { atLeast: 0.7 } },
        { name: 'append/pipelined', unit, ...pipelined },
        { name: 'append/singles', unit, ...singles },
      ];
    } finally {
      raw.close();
      await store.close();
    }
  },
};

function sliced<T>(of: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.floor(of.length / size) }, (_, index) => of.slice(index * size, (index + 1) * size));
}
