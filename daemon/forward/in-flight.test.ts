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
  return new Uint8Array(8).fill(batch % 251);
}

function numbersIn(ranges: readonly Range[]): number[] {
  return ranges.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, index) => first + index));
}

function send(inFlight: InFlight, batch: number, salt: Uint8Array, sequences: readonly number[]): SentBatch {
  return inFlight.add({ batch, token: tokenOf(batch) }, cargoOf(salt, sequences), 0, 20_000);
}

/** What is known of a sequence of a run: where it is, in the plainest form. */
type Where =
  | { readonly is: 'stored' }
  | { readonly is: 'in_flight'; readonly batch: number }
  | { readonly is: 'held'; readonly untilMs: number };

interface Model {
  /** `run/sequence` → where it is. Absent: with the store. */
  readonly where: Map<string, Where>;
  /** `run/sequence` of all that was ever sent. */
  readonly sent: Set<string>;
  nowMs: number;
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
    seconds: fc.integer({ min: 0, max: 600 }),
    rejected: ranges,
    code: fc.constantFrom(...REJECT_CODES),
  }),
  fc.record({ what: fc.constant('give up' as const), batch: fc.integer({ min: 1, max: 14 }) }),
  fc.record({ what: fc.constant('end holds' as const), afterMs: fc.integer({ min: 0, max: 300_000 }) }),
);

describe('what is in flight', () => {
  it('is, after any acks for anything in any order, what a naive model says; what was never sent is never freed', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80, size: 'max' }), (steps) => {
        const inFlight = new InFlight();
        const model: Model = { where: new Map(), sent: new Set(), nowMs: 0, batches: new Map() };
        const sent = new Map<number, SentBatch>();
        let next = 1;
        for (const each of steps) {
          if (each.what === 'send') {
            // As the store does: what is out or done with is not taken.
            const free = each.sequences.filter((n) => !model.where.has(`${each.run}/${n}`)).sort((a, b) => a - b);
            if (free.length === 0) continue;
            sent.set(next, send(inFlight, next, SALTS[each.run] as Uint8Array, free));
            model.batches.set(next, { run: each.run, sequences: new Set(free) });
            for (const n of free) {
              model.where.set(`${each.run}/${n}`, { is: 'in_flight', batch: next });
              model.sent.add(`${each.run}/${n}`);
            }
            next += 1;
          } else if (each.what === 'give up') {
            const batch = sent.get(each.batch);
            if (batch === undefined) continue;
            const expected = openIn(model, each.batch);
            expect(numbersIn(inFlight.giveUp(batch))).toEqual(expected);
            for (const n of expected) model.where.delete(`${model.batches.get(each.batch)?.run}/${n}`);
          } else if (each.what === 'end holds') {
            model.nowMs += each.afterMs;
            const released = inFlight.endHolds(model.nowMs).flatMap((run) => keysOf(run.salt, run.ranges));
            const held = [...model.where].flatMap(([key, at]) =>
              at.is === 'held' ? [[key, at.untilMs] as const] : [],
            );
            // Those that end at about the same time end together, none before it was to.
            const due = new Map(held.filter(([, untilMs]) => untilMs <= model.nowMs));
            const overdue = held.filter(([, untilMs]) => untilMs + 10_000 <= model.nowMs).map(([key]) => key);
            expect(released.filter((key) => !due.has(key))).toEqual([]);
            expect(overdue.filter((key) => !released.includes(key))).toEqual([]);
            expect(new Set(released).size).toBe(released.length);
            for (const key of released) model.where.delete(key);
          } else {
            const ack: Ack = {
              salt: SALTS[each.run] as Uint8Array,
              batch: each.batch,
              token: each.hasToken ? tokenOf(each.batch) : tokenOf(99),
              stored: each.stored,
              held: { ranges: each.held, seconds: each.seconds },
              rejected: [{ ranges: each.rejected, code: each.code }],
            };
            const known = model.batches.get(each.batch);
            const found = inFlight.find(ack);
            expect(found !== undefined).toBe(known?.run === each.run && each.hasToken);
            if (found !== undefined) check(model, each.run, ack, inFlight.answer(found, ack, model.nowMs));
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
    for (let batch = 2; batch <= 1025; batch += 1) inFlight.giveUp(send(inFlight, batch, SALTS[0], [batch]));
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

function keysOf(salt: Uint8Array, of: readonly Range[]): string[] {
  return numbersIn(of).map((n) => `${SALTS.indexOf(salt as (typeof SALTS)[0])}/${n}`);
}

/** The sequences that are in flight in a batch, ascending. */
function openIn(model: Model, batch: number): number[] {
  const { run, sequences } = model.batches.get(batch) ?? { run: 0, sequences: new Set<number>() };
  const isOpen = (at: Where | undefined): boolean => at?.is === 'in_flight' && at.batch === batch;
  return [...sequences].filter((n) => isOpen(model.where.get(`${run}/${n}`))).sort((a, b) => a - b);
}

/** Compares what an ack was taken to mean with what it says about sequences of its run that were sent and are not done with. */
function check(model: Model, run: number, ack: Ack, news: News): void {
  const is = (n: number): Where['is'] | undefined => model.where.get(`${run}/${n}`)?.is;
  const named = (some: readonly Range[] = []): number[] =>
    numbersIn(new IntervalSet(some).ranges()).filter((n) => model.sent.has(`${run}/${n}`));
  const conclude = (some: readonly Range[] | undefined): number[] => {
    const fresh = named(some).filter((n) => is(n) !== 'stored');
    for (const n of fresh) model.where.set(`${run}/${n}`, { is: 'stored' });
    return fresh;
  };
  const all = [...(ack.stored ?? []), ...(ack.held?.ranges ?? []), ...(ack.rejected?.[0]?.ranges ?? [])];
  expect(news.namesForeign).toBe(numbersIn(all).some((n) => !model.sent.has(`${run}/${n}`)));
  expect(numbersIn(news.stored)).toEqual(conclude(ack.stored));
  expect(news.rejected.flatMap((part) => numbersIn(part.ranges))).toEqual(conclude(ack.rejected?.[0]?.ranges));
  const held = named(ack.held?.ranges);
  expect(news.held).toEqual(rangesOf(held.filter((n) => is(n) === 'in_flight')));
  const untilMs = model.nowMs + (ack.held?.seconds ?? 0) * 1000;
  for (const n of held) {
    const at = is(n);
    if (at === 'in_flight' || at === 'held') model.where.set(`${run}/${n}`, { is: 'held', untilMs });
  }
}
