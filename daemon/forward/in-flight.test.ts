import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Ack, REJECT_CODES } from '../../protocol/ack.ts';
import { IntervalSet, type Range, rangesOf } from '../../protocol/intervals.ts';
import type { SequencedRecord } from '../../protocol/record.ts';
import { type Cargo, InFlight, type News, type SentBatch } from './in-flight.ts';

const SALTS = [new Uint8Array(16).fill(1), new Uint8Array(16).fill(2)] as const;

function cargoOf(salt: Uint8Array, sequences: readonly number[]): Cargo {
  const records = sequences.map(
    (sequence): SequencedRecord => ({
      sequence,
      station: 'buoy-7',
      kind: 'sample',
      timestampMs: sequence,
      clock: 'synced',
      metrics: {},
      flags: {},
    }),
  );
  return { salt, lane: 'live', records };
}

function tokenOf(batch: number): Uint8Array {
  return new Uint8Array(8).fill(batch);
}

function numbersIn(ranges: readonly Range[]): number[] {
  return ranges.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, index) => first + index));
}

function send(inFlight: InFlight, batch: number, salt: Uint8Array, sequences: readonly number[]): SentBatch {
  return inFlight.add({ batch, token: tokenOf(batch) }, cargoOf(salt, sequences), 0, 20_000);
}

/** What is known of a sequence of a run: where it is, in the plainest form. */
type Where = { readonly is: 'stored' | 'in_flight' | 'held'; readonly batch: number };

interface Model {
  /** `run/sequence` → where it is. Absent: with the store. */
  readonly where: Map<string, Where>;
  readonly batches: Map<number, { readonly run: number; readonly sequences: ReadonlySet<number> }>;
}

const range = fc
  .tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 0, max: 6 }))
  .map(([first, more]): Range => [first, first + more]);
const ranges = fc.array(range, { maxLength: 3 });

const step = fc.oneof(
  fc.record({
    what: fc.constant('send' as const),
    run: fc.constantFrom(0, 1),
    sequences: fc.uniqueArray(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 12 }),
  }),
  fc.record({
    what: fc.constant('ack' as const),
    run: fc.constantFrom(0, 1),
    /** May be of a batch that was never sent. */
    batch: fc.integer({ min: 1, max: 14 }),
    hasToken: fc.boolean(),
    stored: ranges,
    held: ranges,
    rejected: ranges,
    code: fc.constantFrom(...REJECT_CODES),
  }),
  fc.record({ what: fc.constant('give up' as const), batch: fc.integer({ min: 1, max: 14 }) }),
  fc.record({ what: fc.constant('end holds' as const) }),
);

describe('what is in flight', () => {
  it('is, after any acks for anything in any order, what a naive model says; what was never sent is never freed', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80, size: 'max' }), (steps) => {
        const inFlight = new InFlight();
        const model: Model = { where: new Map(), batches: new Map() };
        const sent = new Map<number, SentBatch>();
        let next = 1;
        for (const each of steps) {
          if (each.what === 'send') {
            // As the store does: what is out or done with is not taken.
            const free = each.sequences.filter((n) => !model.where.has(`${each.run}/${n}`)).sort((a, b) => a - b);
            if (free.length === 0) continue;
            sent.set(next, send(inFlight, next, SALTS[each.run] as Uint8Array, free));
            model.batches.set(next, { run: each.run, sequences: new Set(free) });
            for (const n of free) model.where.set(`${each.run}/${n}`, { is: 'in_flight', batch: next });
            next += 1;
          } else if (each.what === 'give up') {
            const batch = sent.get(each.batch);
            if (batch === undefined) continue;
            const expected = out(model, each.batch, 'in_flight');
            expect(numbersIn(inFlight.giveUp(batch))).toEqual(expected);
            for (const n of expected) model.where.delete(`${model.batches.get(each.batch)?.run}/${n}`);
          } else if (each.what === 'end holds') {
            const released = inFlight.endHolds(Number.POSITIVE_INFINITY);
            const held = [...model.where].filter(([, { is }]) => is === 'held').map(([key]) => key);
            const keys = released.flatMap((run) =>
              numbersIn(run.ranges).map((n) => `${SALTS.indexOf(run.salt as (typeof SALTS)[0])}/${n}`),
            );
            expect(keys.sort()).toEqual(held.sort());
            for (const key of held) model.where.delete(key);
          } else {
            const ack: Ack = {
              salt: SALTS[each.run] as Uint8Array,
              batch: each.batch,
              token: each.hasToken ? tokenOf(each.batch) : tokenOf(99),
              stored: each.stored,
              held: { ranges: each.held, seconds: 60 },
              rejected: [{ ranges: each.rejected, code: each.code }],
            };
            const known = model.batches.get(each.batch);
            const found = inFlight.find(ack);
            expect(found !== undefined).toBe(known?.run === each.run && each.hasToken);
            if (found !== undefined) check(model, each.batch, ack, inFlight.answer(found, ack, 0));
          }
          expect(inFlight.records).toBe([...model.where.values()].filter(({ is }) => is === 'in_flight').length);
          expect(inFlight.recordsHeld).toBe([...model.where.values()].filter(({ is }) => is === 'held').length);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('forgets a batch that was given up long ago, and so an ack for it', () => {
    const inFlight = new InFlight();
    const first = send(inFlight, 1, SALTS[0], [1]);
    inFlight.giveUp(first);
    const ack: Ack = { salt: SALTS[0], batch: 1, token: tokenOf(1), stored: [[1, 1]] };
    for (let batch = 2; batch <= 257; batch += 1) inFlight.giveUp(send(inFlight, batch, SALTS[0], [batch]));
    expect(inFlight.find(ack)).toBeUndefined();
  });

  it('is not looked through for a range that is a thousand times the batch', () => {
    const inFlight = new InFlight();
    const sent = send(inFlight, 1, SALTS[0], [5, 7]);
    const ack: Ack = { salt: SALTS[0], batch: 1, token: tokenOf(1), stored: [[1, 2 ** 48 - 1]] };
    expect(inFlight.answer(sent, ack, 0)).toMatchObject({
      stored: [
        [5, 5],
        [7, 7],
      ],
      namesForeign: true,
    });
  });
});

/** The sequences of a batch that are there, ascending. */
function out(model: Model, batch: number, is: Where['is']): number[] {
  const { run, sequences } = model.batches.get(batch) ?? { run: 0, sequences: new Set<number>() };
  return [...sequences]
    .filter((n) => {
      const where = model.where.get(`${run}/${n}`);
      return where?.is === is && where.batch === batch;
    })
    .sort((a, b) => a - b);
}

/** Compares what an ack was taken to mean with what it says about sequences of its batch that are not done with. */
function check(model: Model, batch: number, ack: Ack, news: News): void {
  const { run, sequences } = model.batches.get(batch) as { run: number; sequences: ReadonlySet<number> };
  const done = new Set([...model.where].filter(([, { is }]) => is === 'stored').map(([key]) => key));
  const fresh = (named: readonly Range[]): number[] =>
    numbersIn(new IntervalSet(named).ranges()).filter((n) => sequences.has(n) && !done.has(`${run}/${n}`));
  const conclude = (numbers: readonly number[]): void => {
    for (const n of numbers) {
      done.add(`${run}/${n}`);
      model.where.set(`${run}/${n}`, { is: 'stored', batch });
    }
  };
  const stored = fresh(ack.stored ?? []);
  expect(numbersIn(news.stored)).toEqual(stored);
  conclude(stored);
  const rejected = fresh(ack.rejected?.[0]?.ranges ?? []);
  expect(news.rejected.flatMap((part) => numbersIn(part.ranges))).toEqual(rejected);
  conclude(rejected);
  const named = new Set(numbersIn(ack.held?.ranges ?? []));
  const held = out(model, batch, 'in_flight').filter((n) => named.has(n));
  expect(news.held).toEqual(rangesOf(held));
  for (const n of held) model.where.set(`${run}/${n}`, { is: 'held', batch });
}
