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
/** Batches of a turn where they are not awaited one by one, and how many appends are under way at a time. */
const RUN = 20;
const PIPELINED = 8;
/** Turns of each side: many short ones, as the time of a sync varies from one second to the next. */
const TURNS = { batches: 1000, runs: 80, singles: 600 } as const;

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
    `transactions, by the median of many short turns. one-ahead: the next ${BATCH} are handed over while the disk has the last;`,
    `pipelined: ${PIPELINED} appends of ${BATCH} under way at a time, which share commits; singles: one record an append, each awaited.`,
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
        { size, batches = 1, underWay = 1 }: { size: number; batches?: number; underWay?: number },
      ): Promise<{ value: number; limit: number }> => {
        const appendAll = async (piece: readonly Observation[][]): Promise<void> => {
          const left = piece.values();
          const appendRest = async (): Promise<void> => {
            for (const batch of left) await store.append(batch, { urgent: false });
          };
          await Promise.all(Array.from({ length: underWay }, appendRest));
        };
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
      const run = { size: BATCH, batches: RUN };
      const batches = await compare(TURNS.batches, { size: BATCH });
      const oneAhead = await compare(TURNS.runs, { ...run, underWay: 2 });
      const pipelined = await compare(TURNS.runs, { ...run, underWay: PIPELINED });
      const singles = await compare(TURNS.singles, { size: 1 });
      return [
        { name: 'append/batches-of-100', unit, ...batches, goal: { atLeast: 0.7 } },
        { name: 'append/one-ahead', unit, ...oneAhead },
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
