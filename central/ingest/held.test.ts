import { beforeEach, expect, test } from 'vitest';
import type { Ack } from '../../protocol/ack.ts';
import { decodeAck } from '../../protocol/ack-codec.ts';
import { runIdOf } from '../../protocol/ids.ts';
import type { Range } from '../../protocol/intervals.ts';
import { MooringError } from '../../runtime/errors.ts';
import { SteppedClock } from '../../sim/clock.ts';
import { saltOf, tokenOf } from '../../test/batches.ts';
import type { LogRejection } from '../recordlog/recordlog.ts';
import { HeldBatches, type HeldBatchesOptions } from './held.ts';

const SALT = saltOf(1);
const RUN = runIdOf('plaka', SALT);
const FIVE_MINUTES = 300_000;

let clock: SteppedClock;
let acks: Ack[];
let counted: number[][];
let rejectedCounts: number[];
beforeEach(() => {
  clock = new SteppedClock();
  acks = [];
  counted = [];
  rejectedCounts = [];
});

function heldOf(options: Partial<HeldBatchesOptions> = {}): HeldBatches {
  const onStored = (...counts: number[]): void => void counted.push(counts);
  return new HeldBatches({ clock, onStored, onRejected: (count) => void rejectedCounts.push(count), ...options });
}

const named = (batch: number) => ({ salt: SALT, batch, token: tokenOf(batch) });

/** Keeps a batch, and returns what decides about it. */
function keep(held: HeldBatches, batch: number, ...ranges: Range[]) {
  const { promise: later, resolve, reject } = Promise.withResolvers<readonly LogRejection[]>();
  const answer = (ack: Uint8Array): void => void acks.push(decodeAck(ack));
  held.keep({ address: named(batch), run: RUN, ranges, later, answer });
  return { resolve: (...rejected: LogRejection[]) => resolve(rejected), reject };
}

test('held is said again every five minutes, which is half of what it is good for, until it is stored', async () => {
  const held = heldOf();
  const { resolve } = keep(held, 1, [1, 3], [9, 9]);
  await clock.advance(FIVE_MINUTES - 1);
  expect(acks).toEqual([]);
  await clock.advance(2 * FIVE_MINUTES + 1);
  const ranges = [
    [1, 3],
    [9, 9],
  ];
  expect(acks).toEqual([1, 2, 3].map(() => ({ ...named(1), held: { ranges, seconds: 600 } })));
  resolve();
  await clock.advance(0);
  expect(acks.slice(3)).toEqual([{ ...named(1), stored: ranges }]);
  expect([held.records, counted]).toEqual([0, [[4, 0]]]);
  await clock.advance(2 * FIVE_MINUTES);
  expect(acks).toHaveLength(4);
});

test('what a sink has refused of it is said in an ack of its own, as not every gateway knows that code', async () => {
  const held = heldOf();
  const first = keep(held, 1, [1, 5]);
  const second = keep(held, 2, [2, 2]);
  const refused: LogRejection = { code: 'sink:lake', reason: 'too old', ranges: [[2, 3]], isKept: true };
  first.resolve(refused);
  second.resolve({ ...refused, ranges: [[2, 2]] });
  await clock.advance(0);
  const stored = [
    [1, 1],
    [4, 5],
  ];
  expect(acks).toEqual([
    { ...named(1), stored },
    { ...named(1), rejected: [{ code: 'sink:lake', ranges: [[2, 3]] }] },
    { ...named(2), rejected: [{ code: 'sink:lake', ranges: [[2, 2]] }] },
  ]);
  expect([counted, rejectedCounts, held.records]).toEqual([
    [
      [3, 0],
      [0, 0],
    ],
    [2, 0],
    0,
  ]);
});

test('what nobody watches over any more is not spoken of again', async () => {
  const held = heldOf();
  const { reject } = keep(held, 1, [1, 3]);
  reject(new MooringError('LOG_FAILED', 'the log is closing'));
  await clock.advance(2 * FIVE_MINUTES);
  expect([acks, counted, held.records, clock.pendingTimers]).toEqual([[], [], 0, 0]);
});

test('a batch that came again while it was held is answered both times, and its records count once', async () => {
  const held = heldOf();
  const first = keep(held, 1, [1, 4]);
  const second = keep(held, 2, [3, 6]);
  expect(held.records).toBe(6);
  first.resolve();
  second.resolve();
  await clock.advance(0);
  expect(acks).toEqual([
    { ...named(1), stored: [[1, 4]] },
    { ...named(2), stored: [[3, 6]] },
  ]);
  expect(counted).toEqual([
    [4, 0],
    [2, 2],
  ]);
});

test('beyond its bound it remembers none: their gateways send them again', async () => {
  const held = heldOf({ rangesMax: 5 });
  const first = keep(held, 1, [1, 1], [3, 3]);
  keep(held, 2, [5, 5], [7, 7]);
  keep(held, 3, [9, 9]);
  await clock.advance(FIVE_MINUTES);
  expect(acks.map(({ batch }) => batch)).toEqual([1, 3]);
  first.resolve();
  await clock.advance(0);
  keep(held, 4, [5, 5], [7, 7]);
  await clock.advance(FIVE_MINUTES);
  expect(acks.map(({ batch, stored }) => [batch, stored !== undefined])).toEqual([
    [1, false],
    [3, false],
    [1, true],
    [3, false],
    [4, false],
  ]);
});

test('when a sink comes back the answers go out at a pace that a broker takes, in order', async () => {
  const held = heldOf();
  const batches = Array.from({ length: 500 }, (_, index) => keep(held, index + 1, [index + 1, index + 1]));
  for (const { resolve } of batches) resolve();
  await clock.advance(0);
  expect(acks).toHaveLength(200);
  expect(held.records).toBe(0);
  await clock.advance(100);
  expect(acks).toHaveLength(400);
  await clock.advance(100);
  expect(acks.map(({ batch }) => batch)).toEqual(batches.map((_, index) => index + 1));
});

test('at the end it says what is still to be said, and leaves no timer behind', async () => {
  const held = heldOf();
  const batches = Array.from({ length: 300 }, (_, index) => keep(held, index + 1, [index + 1, index + 1]));
  for (const { resolve } of batches.slice(0, 250)) resolve();
  await clock.advance(0);
  held.close();
  expect(acks).toHaveLength(250);
  for (const { resolve } of batches) resolve();
  await clock.advance(2 * FIVE_MINUTES);
  expect(acks).toHaveLength(250);
  expect(clock.pendingTimers).toBe(0);
});
