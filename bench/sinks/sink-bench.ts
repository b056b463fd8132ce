import assert from 'node:assert/strict';
import type { RefusedRecord, StoreRecord } from '../../central/sinks/remote/remote-store.ts';
import { flatRecordOf } from '../../protocol/flat-record.ts';
import { runIdOf } from '../../protocol/ids.ts';
import type { SequencedRecord } from '../../protocol/record.ts';
import { systemClock } from '../../runtime/clock.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { cityRecords } from '../city-records.ts';
import type { Figure } from '../figure.ts';
import { median, turnsOf } from '../rounds.ts';
import { GATEWAY } from '../store-options.ts';

/** A sink and the same client by hand, each at a place of its own in one engine. */
export interface SinkSides {
  /** Resolves when all are durable there. */
  write(records: readonly StoreRecord[]): Promise<readonly RefusedRecord[]>;
  /** The same bytes, made and sent by hand; resolves when they are as durable. */
  writeByHand(records: readonly StoreRecord[]): Promise<void>;
  close(): Promise<void>;
}

export interface SinkBench {
  readonly name: string;
  /** Records of a write, of which the best of each side counts. */
  readonly batches: readonly [number, number, number];
  /** Of a turn. */
  readonly records: number;
  readonly turns: number;
  /** With its engine running. */
  open(folder: string): Promise<SinkSides>;
}

const SEED = 7;
const GOAL = 0.8;
/** So long a size of a batch is measured, in milliseconds: a machine that is busy with something else gets fewer turns. */
const SIZE_MS = 30_000;

/** The best of three sizes of a batch for each side, alternating. */
export async function figureOf(bench: SinkBench, folder: string, say: (text: string) => void): Promise<Figure> {
  const { name, batches, records, turns } = bench;
  const supply = new Supply(records);
  const sides = await bench.open(folder);
  try {
    const best = { ours: 0, byHand: 0 };
    for (const size of batches) {
      const endMs = systemClock.monotonicMs() + SIZE_MS;
      const [ours = [], byHand = []] = await turnsOf(
        turns,
        [() => oursRate(sides, supply.batches(size), records), () => handRate(sides, supply.batches(size), records)],
        () => systemClock.monotonicMs() > endMs,
      );
      const [rate, limit] = [median(ours), median(byHand)];
      const fewer = ours.length < turns ? `, ${ours.length} turns of ${turns}` : '';
      say(`${name}, ${size} a write: ${Math.round(rate)} records/s, by hand ${Math.round(limit)}${fewer}`);
      best.ours = Math.max(best.ours, rate);
      best.byHand = Math.max(best.byHand, limit);
    }
    return { name: `sinks/${name}`, value: best.ours, unit: 'records/s', limit: best.byHand, goal: { atLeast: GOAL } };
  } finally {
    await sides.close();
  }
}

async function oursRate(sides: SinkSides, batches: readonly StoreRecord[][], records: number): Promise<number> {
  return await rateOf(records, batches.values(), async (batch) => {
    assert.deepEqual(await sides.write(batch), []);
  });
}

async function handRate(sides: SinkSides, batches: readonly StoreRecord[][], records: number): Promise<number> {
  return await rateOf(records, batches.values(), (batch) => sides.writeByHand(batch));
}

async function rateOf<T>(records: number, all: Iterable<T>, send: (one: T) => Promise<void>): Promise<number> {
  const startMs = systemClock.monotonicMs();
  for (const one of all) await send(one);
  return (records * 1000) / (systemClock.monotonicMs() - startMs);
}

/** Records of the city, a run a turn and each second once, as a feed hands them over: with their JSON. */
class Supply {
  readonly #city: readonly SequencedRecord[];
  #turns = 0;

  constructor(records: number) {
    this.#city = cityRecords(SEED, records);
  }

  batches(size: number): StoreRecord[][] {
    const run = runIdOf(GATEWAY, new SeededRandom(this.#turns).bytes(16));
    const laterMs = this.#turns * this.#city.length * 1000;
    this.#turns += 1;
    const all = this.#city.map((record): StoreRecord => {
      const timestampMs = record.timestampMs + laterMs;
      const flat = flatRecordOf({
        gateway: GATEWAY,
        run,
        record: { ...record, timestampMs },
        receivedAtMs: timestampMs,
      });
      return { flat, json: JSON.stringify(flat), place: { run, sequence: record.sequence } };
    });
    return Array.from({ length: Math.ceil(all.length / size) }, (_, at) => all.slice(at * size, (at + 1) * size));
  }
}
