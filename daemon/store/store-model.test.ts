import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Range } from '../../protocol/intervals.ts';
import { countOf, rangesOf } from '../../protocol/intervals.ts';
import type { Info } from '../../protocol/record.ts';
import { event, LABEL, sample } from './fixtures/observations.ts';
import { packed, unpacked } from './packing.ts';
import { openStoreReader } from './reader.ts';
import { LANES, type Lane, LIVE_MS } from './store.ts';
import { StoreFile } from './store-file.ts';

const FORWARDERS = ['centre', 'spare'] as const;
type Forwarder = (typeof FORWARDERS)[number];
type State = 'available' | 'in flight' | 'held' | 'settled' | 'rejected';

interface ModelRow {
  readonly run: number;
  readonly sequence: number;
  readonly urgent: boolean;
  readonly atMs: number;
  /** Sequences that it declares, where it is a gap. */
  readonly gap?: Info;
  readonly states: Record<Forwarder, State>;
}

type Step =
  | { readonly do: 'append'; readonly kinds: readonly ('sample' | 'event')[]; readonly urgent: boolean }
  | { readonly do: 'take'; readonly forwarder: Forwarder; readonly lane: Lane; readonly recordsMax: number }
  | {
      readonly do: 'release' | 'hold' | 'settle' | 'reject';
      readonly forwarder: Forwarder;
      readonly run: number;
      readonly ranges: readonly Range[];
    }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'restart' };

const forwarder = fc.constantFrom(...FORWARDERS);
const ranges = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 0, max: 6 })), { minLength: 1, maxLength: 4 })
  .map((pairs) => rangesOf(pairs.flatMap(([first, more]) => span(first, first + more)).sort((a, b) => a - b)));
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('append' as const),
      kinds: fc.array(fc.constantFrom('sample' as const, 'sample' as const, 'event' as const), {
        minLength: 1,
        maxLength: 8,
      }),
      urgent: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('take' as const),
      forwarder,
      lane: fc.constantFrom(...LANES),
      recordsMax: fc.integer({ min: 1, max: 10 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom('release' as const, 'hold' as const, 'settle' as const, 'reject' as const),
      forwarder,
      run: fc.integer({ min: 0, max: 3 }),
      ranges,
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(1000, 30_000, LIVE_MS) }) },
  { weight: 1, arbitrary: fc.constant({ do: 'restart' as const }) },
);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mooring-model-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** The same store as a list of rows. */
class Model {
  readonly rows: ModelRow[] = [];
  run = 0;

  add(urgent: boolean, atMs: number, gap?: Info): number {
    const sequence = this.rows.filter(({ run }) => run === this.run).length + 1;
    const states = { centre: 'available', spare: 'available' } as const;
    this.rows.push({
      run: this.run,
      sequence,
      urgent,
      atMs,
      states: { ...states },
      ...(gap === undefined ? {} : { gap }),
    });
    return sequence;
  }

  named(run: number, ranges: readonly Range[]): ModelRow[] {
    return this.rows.filter(
      (row) => row.run === run && ranges.some(([a, b]) => row.sequence >= a && row.sequence <= b),
    );
  }

  take(forwarder: Forwarder, lane: Lane, recordsMax: number, nowMs: number): ModelRow[] {
    const laneOf = ({ run, urgent, atMs }: ModelRow): Lane =>
      urgent ? 'urgent' : run === this.run && nowMs - atMs < LIVE_MS ? 'live' : 'backlog';
    const free = this.rows.filter((row) => row.states[forwarder] === 'available' && laneOf(row) === lane);
    return free.filter(({ run }) => run === free[0]?.run).slice(0, recordsMax);
  }

  move(rows: readonly ModelRow[], forwarder: Forwarder, from: readonly State[], to: State): ModelRow[] {
    const moved = rows.filter(({ states }) => from.includes(states[forwarder]));
    for (const { states } of moved) states[forwarder] = to;
    return moved;
  }
}

const PENDING: readonly State[] = ['available', 'in flight', 'held'];

test('two forwarders, every verb, restarts in between: the store is a list of rows', { timeout: 120_000 }, () => {
  let walk = 0;
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 40 }), (steps) => {
      walk += 1;
      runSteps(join(folder, `${walk}.db`), steps);
    }),
    { numRuns: 50 },
  );
});

function runSteps(path: string, steps: readonly Step[]): void {
  const saltOf = (run: number): Uint8Array => new Uint8Array(16).fill(run);
  const open = (run: number): StoreFile =>
    new StoreFile({ path, gateway: 'plaka', forwarders: FORWARDERS, budgetBytes: 2 ** 24, salt: saltOf(run) });
  const model = new Model();
  let store = open(0);
  let nowMs = 0;
  const commit = (group: Partial<Parameters<StoreFile['commit']>[0]>): ReturnType<StoreFile['commit']> =>
    store.commit({ nowMs, label: LABEL, records: packed([]), appends: [], settlements: [], ...group });

  const apply = (step: Step): void => {
    if (step.do === 'wait') nowMs += step.ms;
    else if (step.do === 'restart') {
      store.close();
      model.run += 1;
      store = open(model.run);
      for (const name of FORWARDERS) model.move(model.rows, name, PENDING, 'available');
    } else if (step.do === 'append') {
      const records = packed(step.kinds.map((kind, index) => (kind === 'sample' ? sample(index) : event(index))));
      const { firsts } = commit({ records, appends: [{ count: step.kinds.length, urgent: step.urgent }] });
      const sequences = step.kinds.map((kind) => model.add(step.urgent || kind === 'event', nowMs));
      expect(firsts).toEqual([sequences[0]]);
    } else if (step.do === 'take') {
      const { forwarder, lane, recordsMax } = step;
      const rows = model.take(forwarder, lane, recordsMax, nowMs);
      const taken = store.take(forwarder, lane, { recordsMax, bytesMax: 65_536 }, nowMs);
      expect(taken?.sequences ?? []).toEqual(rows.map(({ sequence }) => sequence));
      if (taken !== undefined) expect(taken.salt).toEqual(saltOf(rows[0]?.run as number));
      for (const [index, record] of (taken === undefined ? [] : unpacked(taken, taken.sequences)).entries()) {
        if (rows[index]?.gap !== undefined) expect(record.info).toEqual(rows[index].gap);
      }
      model.move(rows, forwarder, ['available'], 'in flight');
    } else {
      const { forwarder, run, ranges } = step;
      const salt = saltOf(run);
      const rows = model.named(run, ranges);
      if (step.do === 'release') {
        store.release(forwarder, salt, ranges);
        model.move(rows, forwarder, ['in flight', 'held'], 'available');
      } else if (step.do === 'hold') {
        store.hold(forwarder, salt, ranges);
        model.move(rows, forwarder, PENDING, 'held');
      } else {
        const rejected = { waived: { reason: 'rejected', code: 'metric_type' } } as const;
        const waived = step.do === 'reject' ? rejected : {};
        const { settled } = commit({ settlements: [{ forwarder, salt, ranges, ...waived }] });
        const moved = model.move(rows, forwarder, PENDING, step.do === 'reject' ? 'rejected' : 'settled');
        expect(settled).toEqual([moved.length]);
        const told = rangesOf(moved.filter(({ gap }) => gap === undefined).map(({ sequence }) => sequence));
        if (step.do === 'reject' && told.length > 0) {
          const info = { run: Buffer.from(salt).toString('hex'), ranges: told, count: countOf(told) };
          model.add(true, nowMs, { ...info, reason: 'rejected', code: 'metric_type' });
        }
      }
    }
  };

  try {
    for (const step of steps) {
      apply(step);
      const { forwarders, records } = store.stats();
      expect(records).toBe(model.rows.length);
      for (const name of FORWARDERS) {
        const count = (...states: State[]): number =>
          model.rows.filter((row) => states.includes(row.states[name])).length;
        expect(forwarders[name]).toMatchObject({
          pending: count(...PENDING),
          inFlight: count('in flight'),
          held: count('held'),
        });
      }
    }
    expectAudit(path, model);
  } finally {
    store.close();
  }
}

/** What the reader says while the store is open is what the model knows. */
function expectAudit(path: string, { rows }: Model): void {
  const reader = openStoreReader(path);
  for (const name of FORWARDERS) {
    const runs = [...new Set(rows.map(({ run }) => run))];
    const ofState = (run: number, ...states: State[]): Range[] =>
      rangesOf(
        rows.filter((row) => row.run === run && states.includes(row.states[name])).map(({ sequence }) => sequence),
      );
    const expected = runs.map((run) => ({
      last: rows.filter((row) => row.run === run).length,
      unsettled: ofState(run, ...PENDING),
      acked: ofState(run, 'settled'),
    }));
    expect(reader.runs(name).map(({ last, unsettled, acked }) => ({ last, unsettled, acked }))).toEqual(expected);
  }
  reader.close();
}

function span(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
