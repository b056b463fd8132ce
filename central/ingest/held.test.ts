import fc from 'fast-check';
import { beforeEach, expect, test } from 'vitest';
import type { Ack } from '../../protocol/ack.ts';
import { decodeAck } from '../../protocol/ack-codec.ts';
import { runIdOf } from '../../protocol/ids.ts';
import { IntervalSet, type Range } from '../../protocol/intervals.ts';
import { SteppedClock } from '../../sim/clock.ts';
import { saltOf, tokenOf } from '../../test/batches.ts';
import { ScriptedHeld } from '../../test/scripted-held.ts';
import { type Asker, HeldRuns, type HeldRunsOptions } from './held.ts';

const SALT = saltOf(1);
const RUN = runIdOf('plaka', SALT);
const FIVE_MINUTES = 300_000;
const MQTT = {};
const UDP = {};

let clock: SteppedClock;
let records: ScriptedHeld;
let acks: Ack[];
/** Which answers went by UDP. */
let byUdp: number[];
let counts: { stored: number; rejected: number; repeated: number };
let said: number[];
beforeEach(() => {
  clock = new SteppedClock();
  records = new ScriptedHeld(RUN);
  acks = [];
  byUdp = [];
  said = [];
  counts = { stored: 0, rejected: 0, repeated: 0 };
});

function heldOf(options: Partial<HeldRunsOptions> = {}): HeldRuns {
  return new HeldRuns({
    records,
    clock,
    onStored: (count) => {
      counts.stored += count;
    },
    onRejected: (count) => {
      counts.rejected += count;
    },
    onRepeated: (count) => {
      counts.repeated += count;
    },
    ...options,
  });
}

const named = (batch: number) => ({ salt: SALT, batch, token: tokenOf(batch) });

function askerOf(batch: number, way: object = MQTT): Asker {
  const answer = (bytes: Uint8Array): void => {
    const ack = decodeAck(bytes);
    acks.push(ack);
    if (way === UDP) byUdp.push(ack.batch);
  };
  return { address: named(batch), way, answer };
}

/** A batch comes, and all of it is held, and nothing of that has been said. */
function keep(held: HeldRuns, batch: number, ...ranges: Range[]): void {
  held.heard(RUN, askerOf(batch));
  records.hold(...ranges);
  held.keep(RUN, askerOf(batch), ranges, () => void said.push(batch));
}

const heldAck = (batch: number, ...ranges: Range[]) => ({ ...named(batch), held: { ranges, seconds: 600 } });

test('what many batches of a run hold is said within a second in one ack, by the name of the newest', async () => {
  const held = heldOf();
  keep(held, 1, [1, 3]);
  await clock.advance(600);
  keep(held, 2, [4, 6], [9, 9]);
  held.heard(RUN, askerOf(3));
  expect([acks, said, held.records]).toEqual([[], [], 7]);
  await clock.advance(400);
  expect(acks).toEqual([heldAck(3, [1, 6], [9, 9])]);
  expect(said).toEqual([1, 2]);
});

test('many batches do not wait for others, as their gateway may wait for them', async () => {
  const held = heldOf();
  for (let batch = 1; batch <= 64; batch += 1) keep(held, batch, [batch, batch]);
  await clock.advance(0);
  expect(acks).toEqual([heldAck(64, [1, 64])]);
});

test('all that is held is said again, soon at first and then every five minutes, until it is stored', async () => {
  const held = heldOf();
  keep(held, 1, [1, 3]);
  await clock.advance(1000);
  acks = [];
  await clock.advance(69_000);
  expect(acks).toEqual([heldAck(1, [1, 3]), heldAck(1, [1, 3])]);
  await clock.advance(2 * FIVE_MINUTES);
  expect(acks).toHaveLength(4);
  held.heard(RUN, askerOf(7));
  records.store([1, 2]);
  await clock.advance(1000);
  expect(acks.slice(4)).toEqual([{ ...named(7), stored: [[1, 2]] }]);
  records.store([3, 3]);
  await clock.advance(1000);
  expect(acks.slice(5)).toEqual([{ ...named(7), stored: [[3, 3]] }]);
  expect([held.records, counts]).toEqual([0, { stored: 3, rejected: 0, repeated: 0 }]);
  await clock.advance(2 * FIVE_MINUTES);
  expect(acks).toHaveLength(6);
  expect(clock.pendingTimers).toBe(0);
});

test('what became stored before it was said to be held is said to be stored alone', async () => {
  const held = heldOf();
  keep(held, 1, [1, 3]);
  records.store([1, 3]);
  await clock.advance(1000);
  expect(acks).toEqual([{ ...named(1), stored: [[1, 3]] }]);
  expect(said).toEqual([1]);
});

test('what another copy has held is said again here too, and that it is stored', async () => {
  records.hold([1, 50]);
  const held = heldOf();
  held.heard(RUN, askerOf(1));
  await clock.advance(9999);
  expect(acks).toEqual([]);
  await clock.advance(1);
  expect([acks, records.adoptions]).toEqual([[heldAck(1, [1, 50])], 1]);
  records.hold([51, 60]);
  held.heard(RUN, askerOf(2));
  await clock.advance(60_000);
  expect(acks.slice(1)).toEqual([heldAck(2, [1, 60])]);
  records.store([1, 60]);
  await clock.advance(1000);
  expect(acks.slice(2)).toEqual([{ ...named(2), stored: [[1, 60]] }]);
  // It counts for the copy that it came to.
  expect([held.records, counts.stored]).toEqual([0, 0]);
});

test('a run of which nothing is held leaves nothing behind, and is looked at again when it is heard of', async () => {
  const held = heldOf();
  held.heard(RUN, askerOf(1));
  await clock.advance(10_000);
  expect([acks, clock.pendingTimers]).toEqual([[], 0]);
  records.hold([1, 5]);
  held.heard(RUN, askerOf(2));
  await clock.advance(10_000);
  expect(acks).toEqual([heldAck(2, [1, 5])]);
});

test('a batch whose append takes longer than that is seen to all the same', async () => {
  const held = heldOf();
  held.heard(RUN, askerOf(1));
  await clock.advance(15_000);
  records.hold([1, 2]);
  held.keep(RUN, askerOf(1), [[1, 2]], undefined);
  records.store([1, 2]);
  await clock.advance(1000);
  expect(acks).toEqual([{ ...named(1), stored: [[1, 2]] }]);
});

test('what a sink has refused of it is said in an ack of its own, as not every gateway knows that code', async () => {
  const held = heldOf();
  keep(held, 1, [1, 5]);
  await clock.advance(1000);
  records.reject('lake', [2, 3]);
  records.store([1, 1], [4, 5]);
  await clock.advance(1000);
  const stored = [
    [1, 1],
    [4, 5],
  ];
  expect(acks.slice(1)).toEqual([
    { ...named(1), stored },
    { ...named(1), rejected: [{ code: 'sink:lake', ranges: [[2, 3]] }] },
  ]);
  expect([counts, held.records]).toEqual([{ stored: 3, rejected: 2, repeated: 0 }, 0]);
});

test('what the log does not know of any more is not spoken of again', async () => {
  const held = heldOf();
  keep(held, 1, [1, 3]);
  await clock.advance(1000);
  records.lose([1, 3]);
  await clock.advance(2 * FIVE_MINUTES);
  expect([acks.length, counts.stored, held.records, clock.pendingTimers]).toEqual([1, 0, 0, 0]);
});

test('what comes again while it is held counts once, and the other time as a repeat', async () => {
  const held = heldOf();
  keep(held, 1, [1, 4]);
  keep(held, 2, [3, 6]);
  expect(held.records).toBe(6);
  records.store([1, 6]);
  await clock.advance(1000);
  expect(acks).toEqual([{ ...named(2), stored: [[1, 6]] }]);
  expect(counts).toEqual({ stored: 6, rejected: 0, repeated: 2 });
});

test('of a gateway that sends by two ways each is answered, by the name of its own newest batch', async () => {
  const held = heldOf();
  keep(held, 900, [1, 3]);
  held.heard(RUN, askerOf(7, UDP));
  held.keep(RUN, askerOf(7, UDP), [[1, 3]], undefined);
  await clock.advance(1000);
  expect(acks).toEqual([heldAck(900, [1, 3]), heldAck(7, [1, 3])]);
  expect(byUdp).toEqual([7]);
});

test('another run is another matter', async () => {
  const other = runIdOf('ikaros', SALT);
  const held = heldOf();
  held.heard(other, askerOf(8));
  keep(held, 1, [1, 3]);
  await clock.advance(10_000);
  records.store([1, 3]);
  await clock.advance(1000);
  expect(new Set(acks.map(({ batch }) => batch))).toEqual(new Set([1]));
});

test('beyond its bound it remembers nothing and says held once: their gateways send them again', async () => {
  const held = heldOf({ rangesMax: 3 });
  keep(held, 1, [1, 1], [3, 3]);
  keep(held, 2, [5, 5], [7, 7]);
  expect(acks).toEqual([heldAck(2, [5, 5], [7, 7])]);
  expect(said).toEqual([2]);
  await clock.advance(1000);
  expect(acks.slice(1)).toEqual([heldAck(2, [1, 1], [3, 3])]);
});

test('when a sink comes back the answers of many runs go out at a pace that a broker takes', async () => {
  const runs = Array.from({ length: 500 }, (_, index) => runIdOf('plaka', saltOf(index)));
  const listeners: ((run: string) => void)[] = [];
  const everything: Range[] = [[1, 1]];
  let state: 'held' | 'stored' = 'held';
  const held = heldOf({
    records: {
      watch: (listener) => void listeners.push(listener),
      standing: () => ({ stored: [], held: [], rejected: [], [state]: everything }),
      adopt: () => (state === 'held' ? everything : []),
    },
  });
  for (const run of runs) held.keep(run, askerOf(1), everything, undefined);
  await clock.advance(1000);
  expect(acks).toEqual([]);
  state = 'stored';
  for (const run of runs) listeners[0]?.(run);
  await clock.advance(1000);
  expect(acks).toHaveLength(200);
  await clock.advance(100);
  expect(acks).toHaveLength(400);
  await clock.advance(100);
  expect(acks).toHaveLength(500);
});

test('at the end it says what is still to be said, and leaves no timer behind', async () => {
  const held = heldOf();
  keep(held, 1, [1, 3]);
  await clock.advance(1000);
  records.store([1, 2]);
  keep(held, 2, [4, 5]);
  held.close();
  expect(acks.slice(1)).toEqual([{ ...named(2), stored: [[1, 2]], held: { ranges: [[4, 5]], seconds: 600 } }]);
  records.store([3, 5]);
  keep(held, 3, [6, 6]);
  await clock.advance(2 * FIVE_MINUTES);
  expect([acks.length, clock.pendingTimers]).toEqual([3, 0]);
});

test('whatever comes when, nothing is said to be stored that is not, and everything that is stored is said to be', async () => {
  const range = fc
    .tuple(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 0, max: 5 }))
    .map(([first, more]): Range => [first, first + more]);
  const step = fc.oneof(
    fc.record({ what: fc.constantFrom('batch', 'other', 'store', 'reject', 'lose'), range }),
    fc.record({ what: fc.constant('wait'), range, ms: fc.constantFrom(100, 1000, 12_000, 70_000, 310_000) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30, size: 'max' }), async (steps) => {
      clock = new SteppedClock();
      records = new ScriptedHeld(RUN);
      acks = [];
      const held = heldOf();
      /** Said to be held, and nothing since; and what was stored meanwhile. */
      const [waiting, stored, gone] = [new IntervalSet(), new IntervalSet(), new IntervalSet()];
      let batch = 0;
      for (const {
        what,
        range: [first, last],
        ...rest
      } of steps) {
        const fresh = stored.missing(first, last).flatMap((each) => gone.missing(...each));
        const isHeld = records.held.within(first, last);
        if (what === 'batch') {
          batch += 1;
          records.hold(...fresh);
          held.heard(RUN, askerOf(batch));
          if (fresh.length > 0) held.keep(RUN, askerOf(batch), fresh, () => undefined);
        } else if (what === 'other') records.hold(...fresh);
        else if (what === 'store') {
          for (const each of isHeld) stored.add(...each);
          records.store(...isHeld);
        } else if (what === 'reject') {
          for (const each of isHeld) gone.add(...each);
          records.reject('lake', ...isHeld);
        } else if (what === 'lose') {
          for (const each of isHeld) gone.add(...each);
          records.lose(...isHeld);
        } else if ('ms' in rest) await clock.advance(rest.ms);
      }
      await clock.advance(2000);
      for (const ack of acks) {
        for (const each of ack.held?.ranges ?? []) waiting.add(...each);
        for (const each of ack.stored ?? []) {
          expect(stored.covers(...each)).toBe(true);
          waiting.remove(...each);
        }
      }
      for (const each of stored.ranges()) expect(waiting.within(...each)).toEqual([]);
      held.close();
      expect(clock.pendingTimers).toBe(0);
    }),
    { numRuns: 200 },
  );
});
