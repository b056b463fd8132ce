import fc from 'fast-check';
import { expect, test } from 'vitest';
import { IntervalSet, type Range } from '../../../protocol/intervals.ts';
import { runOf } from '../../../test/conformance/entries.ts';
import { type HeldPiece, Ledger } from './ledger.ts';

const RUN = runOf(1);

function pieceOf(ranges: readonly Range[], run = RUN): HeldPiece {
  return {
    run,
    gateway: 'plaka',
    partition: 0,
    first: 0,
    last: 9,
    sequences: new IntervalSet(ranges),
    isDeclared: true,
    sinceMs: 0,
    refusalsEpoch: 0,
  };
}

test('what was held and is stored is held no more', () => {
  const ledger = new Ledger();
  const piece = pieceOf([[1, 10]]);
  expect(ledger.addHeld(piece)).toBe(true);
  expect(ledger.heldWith(RUN, 4)).toBe(piece);
  ledger.addStored(RUN, [[3, 5]]);
  expect(ledger.heldWith(RUN, 4)).toBeUndefined();
  expect(ledger.heldWith(RUN, 6)).toBe(piece);
  expect(piece.sequences.ranges()).toEqual([
    [1, 2],
    [6, 10],
  ]);
  ledger.addStored(RUN, [[1, 10]]);
  expect(piece.sequences.isEmpty).toBe(true);
  expect(ledger.stored(RUN).ranges()).toEqual([[1, 10]]);
});

test('a piece keeps only what is not known already', () => {
  const ledger = new Ledger();
  ledger.addStored(RUN, [[1, 3]]);
  ledger.addHeld(pieceOf([[4, 6]]));
  const piece = pieceOf([[1, 8]]);
  expect(ledger.addHeld(piece)).toBe(true);
  expect(piece.sequences.ranges()).toEqual([[7, 8]]);
  expect(ledger.addHeld(pieceOf([[2, 8]]))).toBe(false);
});

test('beyond its bounds the runs that were written longest ago are forgotten, and never the one at hand', () => {
  const ledger = new Ledger({ runsMax: 2, rangesMax: 4, heldMax: 2 });
  const [a, b, c] = [runOf(1), runOf(2), runOf(3)];
  ledger.addStored(a, [[1, 1]]);
  ledger.addStored(b, [[1, 1]]);
  ledger.addStored(a, [[3, 3]]);
  ledger.addStored(c, [[1, 1]]);
  expect([a, b, c].map((run) => ledger.stored(run).count)).toEqual([2, 0, 1]);
  ledger.addStored(
    c,
    [3, 5, 7, 9, 11].map((sequence): Range => [sequence, sequence]),
  );
  expect([a, b, c].map((run) => ledger.stored(run).count)).toEqual([0, 0, 6]);

  for (const run of [a, b, c]) ledger.addHeld(pieceOf([[100, 101]], run));
  expect([a, b, c].map((run) => ledger.heldWith(run, 100) !== undefined)).toEqual([false, true, true]);
});

test('the oldest pieces of a run become one, which is where all of them are; one that is not declared stays as it is', () => {
  const ledger = new Ledger();
  const pieces = Array.from({ length: 10 }, (_, index): HeldPiece => {
    const at = 10 * index;
    return { ...pieceOf([[at + 1, at + 10]]), first: at, last: at + 9, isDeclared: index !== 7 };
  });
  for (const piece of pieces) expect(ledger.addHeld(piece)).toBe(true);
  const found = pieces.map((_, index) => ledger.heldWith(RUN, 10 * index + 5) as HeldPiece);
  expect(found.map((piece) => pieces.indexOf(piece))).toEqual([0, 0, 0, 0, 0, 0, 0, 7, 8, 9]);
  expect(found[0]).toMatchObject({ first: 0, last: 69 });
  expect(found[0]?.sequences.ranges()).toEqual([[1, 70]]);
  ledger.forget(found[0] as HeldPiece);
  expect([5, 65, 75, 95].map((sequence) => ledger.heldWith(RUN, sequence) !== undefined)).toEqual([
    false,
    false,
    true,
    true,
  ]);
});

test('beyond the bound of held ranges the oldest piece is forgotten', () => {
  const ledger = new Ledger({ heldRangesMax: 3 });
  ledger.addHeld(
    pieceOf(
      [
        [1, 1],
        [3, 3],
      ],
      runOf(1),
    ),
  );
  ledger.addHeld(
    pieceOf(
      [
        [1, 1],
        [3, 3],
      ],
      runOf(2),
    ),
  );
  expect([1, 2].map((number) => ledger.heldWith(runOf(number), 3) !== undefined)).toEqual([false, true]);
});

test('whatever is learned in whatever order, nothing is both stored and held, and nothing is either without being learned', () => {
  const range = fc
    .tuple(fc.integer({ min: 1, max: 40 }), fc.nat(8))
    .map(([first, more]): Range => [first, first + more]);
  const step = fc.record({ state: fc.constantFrom('stored' as const, 'held' as const), range, run: fc.nat(1) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const ledger = new Ledger();
      const runs = [0, 1].map((number) => ({ run: runOf(number), stored: new IntervalSet(), held: new IntervalSet() }));
      for (const { state, range: given, run: index } of steps) {
        const model = runs[index] as (typeof runs)[number];
        const place = { gateway: 'plaka', partition: 0, first: 0, last: 0 };
        ledger.learn({ run: model.run, ...place, state, ranges: [given] }, 0);
        model[state].add(...given);
      }
      for (const { run, stored, held } of runs) {
        for (let sequence = 1; sequence < 50; sequence += 1) {
          expect(ledger.stored(run).has(sequence)).toBe(stored.has(sequence));
          const isHeld = held.has(sequence) && !stored.has(sequence);
          expect(ledger.heldWith(run, sequence)?.sequences.has(sequence) ?? false).toBe(isHeld);
        }
      }
    }),
  );
});
