import { beforeEach, expect, test } from 'vitest';
import { IntervalSet, type Range } from '../../../protocol/intervals.ts';
import { MooringError } from '../../../runtime/errors.ts';
import { SteppedClock } from '../../../sim/clock.ts';
import { runOf } from '../../../test/conformance/entries.ts';
import { decodeAckMessage } from './acks.ts';
import { type HeldPiece, Ledger } from './ledger.ts';
import type { Produce, ProduceOutcome } from './produce-request.ts';
import { Settlement } from './settlement.ts';

const RUN = runOf(1);

let ledger: Ledger;
let settlement: Settlement;
const clock = new SteppedClock();
/** What was produced, and what is to become of it. */
let said: { readonly text: unknown; readonly end: PromiseWithResolvers<ProduceOutcome> }[];

beforeEach(() => {
  ledger = new Ledger();
  said = [];
  const produce = ({ messages }: Produce): Promise<ProduceOutcome> => {
    const end = Promise.withResolvers<ProduceOutcome>();
    const message = decodeAckMessage(Buffer.from(messages[0]?.value ?? ''));
    said.push({ text: message && { [message.state]: message.ranges, last: message.last }, end });
    return end.promise;
  };
  settlement = new Settlement({
    link: { produce },
    ledger,
    topic: 'mooring.acks',
    commits: undefined,
    clock,
  });
});

function heldPiece(ranges: readonly Range[], last: number): HeldPiece {
  const sequences = new IntervalSet(ranges);
  const place = { run: RUN, gateway: 'plaka', partition: 0, first: 0, last };
  const piece = { ...place, sequences, isDeclared: false, sinceMs: 0, refusalsEpoch: ledger.refused.epoch };
  ledger.addHeld(piece);
  return piece;
}

const taken: ProduceOutcome = { span: { first: 0, last: 0 }, refused: [] };

test('of what another copy has stored meanwhile nobody says that it is held', async () => {
  const piece = heldPiece([[1, 4]], 3);
  const first = settlement.declare(piece);
  said[0]?.end.reject(new MooringError('LOG_FAILED', 'away'));
  await expect(first).rejects.toThrow('away');
  ledger.addStored(RUN, [[1, 4]]);
  await settlement.declare(piece);
  expect(said.map(({ text }) => text)).toEqual([{ held: [[1, 4]], last: 3 }]);
});

test('what is merged into a piece while the word of it is under way is said by itself, and nobody hears of it before', async () => {
  const piece = heldPiece([[1, 4]], 3);
  let isSettled = false;
  const settling = settlement.settle(piece).then(() => {
    isSettled = true;
  });
  await clock.advance(0);
  piece.sequences.add(5, 9);
  piece.last = 8;
  said[0]?.end.resolve(taken);
  await clock.advance(0);
  expect(said).toHaveLength(2);
  expect(isSettled).toBe(false);
  expect(ledger.stored(RUN).ranges()).toEqual([[1, 4]]);
  said[1]?.end.resolve(taken);
  await settling;
  expect(said.map(({ text }) => text)).toEqual([
    { stored: [[1, 4]], last: 3 },
    { stored: [[5, 9]], last: 8 },
  ]);
  expect(ledger.stored(RUN).ranges()).toEqual([[1, 9]]);
});
