import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { encodedRecordBytes } from '../../protocol/batch-codec.ts';
import { IntervalSet, type Range, rangesOf } from '../../protocol/intervals.ts';
import { BOUNDS, type Info, type Observation, type SequencedRecord } from '../../protocol/record.ts';
import { event, LABEL, large, sample } from './fixtures/observations.ts';
import { type PackedRecords, packed, unpacked } from './packing.ts';
import { LANES } from './store.ts';
import { StoreFile } from './store-file.ts';

const BUDGET = 2 ** 20;
const LIMITS = { recordsMax: 1024, bytesMax: 2 ** 20 };

let folder: string;
let path: string;
let store: StoreFile;
let starts = 0;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mooring-budget-'));
  path = join(folder, 'store.db');
  starts = 0;
  open();
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

const saltOf = (start: number): Uint8Array => new Uint8Array(16).fill(start);

function open(forwarders: readonly string[] = ['centre']): void {
  starts += 1;
  store = new StoreFile({ path, gateway: 'plaka', forwarders, budgetBytes: BUDGET, salt: saltOf(starts) });
}

function reopen(forwarders?: readonly string[]): void {
  store.close();
  open(forwarders);
}

function append(observations: readonly Observation[]): number | undefined {
  const records: PackedRecords = packed(observations);
  const appends = [{ count: observations.length, urgent: false }];
  const { firsts } = store.commit({ nowMs: 0, label: LABEL, records, appends, settlements: [] });
  expect(size()).toBeLessThanOrEqual(BUDGET);
  return firsts?.[0];
}

function settle(forwarder: string, salt: Uint8Array, ranges: readonly Range[]): number {
  const settlements = [{ forwarder, salt, ranges }];
  return store.commit({ nowMs: 0, label: LABEL, records: packed([]), appends: [], settlements }).settled[0] as number;
}

function size(): number {
  return statSync(path).size + (statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0);
}

/** What one forwarder delivers, and what the gap records among it declare. */
class Delivery {
  readonly delivered = new Map<string, IntervalSet>();
  readonly declared = new Map<string, IntervalSet>();
  readonly gaps: SequencedRecord[] = [];

  /** Takes a batch and settles it. Returns whether there was one. */
  deliver(lane: (typeof LANES)[number], forwarder = 'centre'): boolean {
    const taken = store.take(forwarder, lane, LIMITS, 0);
    if (taken === undefined) return false;
    const ranges = rangesOf(taken.sequences);
    expect(settle(forwarder, taken.salt, ranges)).toBe(taken.sequences.length);
    const salt = Buffer.from(taken.salt).toString('hex');
    for (const range of ranges) expect(add(this.delivered, salt, range)).toBe(range[1] - range[0] + 1);
    for (const record of unpacked(taken, taken.sequences)) {
      if (record.kind !== 'gap') continue;
      this.gaps.push(record);
      const info = record.info as unknown as { run: string; ranges: Range[] };
      for (const range of info.ranges) add(this.declared, info.run, range);
    }
    return true;
  }

  drain(forwarder = 'centre'): void {
    for (const lane of LANES) while (this.deliver(lane, forwarder));
  }
}

function add(sets: Map<string, IntervalSet>, salt: string, range: Range): number {
  const set = sets.get(salt) ?? new IntervalSet();
  sets.set(salt, set);
  return set.add(...range);
}

const larges = (count: number): Observation[] => Array.from({ length: count }, (_, index) => large(index));

test('what is settled gives way first, without a word, and what is not is kept', () => {
  append(larges(100));
  settle('centre', saltOf(1), [[11, 100]]);
  let last = 100;
  for (let group = 0; group < 60; group += 1) {
    const first = append(larges(20)) as number;
    last = first + 19;
    settle('centre', saltOf(1), [[first, last]]);
  }
  expect(store.stats().dropped).toBe(0);
  expect(last).toBe(1300);
  expect(store.stats().records).toBeLessThan(1300);
  const delivery = new Delivery();
  delivery.drain();
  expect(delivery.delivered.get(Buffer.from(saltOf(1)).toString('hex'))?.ranges()).toEqual([[1, 10]]);
});

test('then the oldest samples go, alarms and events stay, and gap records say exactly what is gone', () => {
  append([...larges(5), event(6), ...larges(5), event(12)]);
  for (let group = 0; group < 80; group += 1) append(larges(20));
  const { dropped, records } = store.stats();
  expect(dropped).toBeGreaterThan(500);
  const delivery = new Delivery();
  delivery.drain();
  const salt = Buffer.from(saltOf(1)).toString('hex');
  const [delivered, declared] = [delivery.delivered.get(salt), delivery.declared.get(salt)];
  expect(declared?.count).toBe(dropped);
  expect(delivered?.count).toBe(records);
  expect(delivered?.has(6) && delivered.has(12)).toBe(true);
  expect(declared?.ranges().slice(0, 2)).toEqual([
    [1, 5],
    [7, 11],
  ]);
  expect(declared?.ranges().length).toBe(3);
  for (const { info } of delivery.gaps) expect(info).toMatchObject({ run: salt, reason: 'dropped' });
});

test('rows in flight are not touched; when nothing else is left the append is refused and takes no sequence', () => {
  for (let group = 0; group < 30; group += 1) append(larges(20));
  const first = store.take('centre', 'live', LIMITS, 0);
  expect(first?.sequences.length).toBe(600);
  let refused = 0;
  let newest = 0;
  for (let group = 0; group < 50; group += 1) {
    const appended = append(larges(20));
    if (appended === undefined) refused += 1;
    else newest = appended + 19;
    for (let taken = store.take('centre', 'live', LIMITS, 0); taken !== undefined; ) {
      taken = store.take('centre', 'live', LIMITS, 0);
    }
  }
  expect(refused).toBeGreaterThan(5);
  expect(store.stats().dropped).toBe(0);
  expect(settle('centre', saltOf(1), [[1, 600]])).toBe(600);
  expect(append([sample(1)])).toBe(newest + 1);
});

test('what has gone in vain is counted and declared too', () => {
  for (let group = 0; group < 40; group += 1) append(larges(20));
  while (store.take('centre', 'live', LIMITS, 0) !== undefined);
  append(larges(20));
  expect(append(larges(200))).toBeUndefined();
  const { dropped } = store.stats();
  expect(dropped).toBe(20);
  const delivery = new Delivery();
  delivery.drain();
  expect(delivery.declared.get(Buffer.from(saltOf(1)).toString('hex'))?.ranges()).toEqual([[801, 820]]);
});

test('a budget that was lowered is reached in steps, while records go on being stored', () => {
  store.close();
  rmSync(path);
  const openWith = (budgetBytes: number, start: number): StoreFile =>
    new StoreFile({ path, gateway: 'plaka', forwarders: ['centre'], budgetBytes, salt: saltOf(start) });
  const commit = (count: number): number => {
    const group = { nowMs: 0, label: LABEL, records: packed(larges(count)), settlements: [] };
    expect(store.commit({ ...group, appends: [{ count, urgent: false }] }).firsts).toBeDefined();
    return size();
  };
  store = openWith(8 * BUDGET, 1);
  for (let group = 0; group < 60; group += 1) commit(100);
  store.close();
  const before = size();
  expect(before).toBeGreaterThan(5 * BUDGET);
  store = openWith(BUDGET, 2);
  let largest = 0;
  let commits = 0;
  for (; store.stats().records > 1000; commits += 1) largest = Math.max(largest, commit(10));
  expect(commits).toBeGreaterThan(20);
  expect(largest - before).toBeLessThan(BUDGET / 4);
  const delivery = new Delivery();
  delivery.drain();
  const { dropped } = store.stats();
  const [old, own] = [1, 2].map((start) => Buffer.from(saltOf(start)).toString('hex'));
  expect(delivery.declared.get(old as string)?.count).toBe(dropped);
  expect((delivery.delivered.get(old as string)?.count ?? 0) + dropped).toBe(6000);
  expect(delivery.delivered.get(own as string)?.covers(1, 10 * commits)).toBe(true);
});

test('held rows may go: they are not in flight', () => {
  for (let group = 0; group < 25; group += 1) append(larges(20));
  store.hold('centre', saltOf(1), [[1, 500]]);
  for (let group = 0; group < 50; group += 1) append(larges(20));
  expect(store.stats().dropped).toBeGreaterThan(500);
});

test('a gap record that has to go itself leaves its word to the one that says so', () => {
  for (let group = 0; group < 70; group += 1) append(larges(20));
  const { dropped } = store.stats();
  expect(dropped).toBeGreaterThan(0);
  for (let group = 0; group < 400; group += 1) append(Array.from({ length: 20 }, (_, index) => bigEvent(index)));
  const delivery = new Delivery();
  delivery.drain();
  const salt = Buffer.from(saltOf(1)).toString('hex');
  const all = new IntervalSet(delivery.delivered.get(salt)?.ranges());
  for (const range of delivery.declared.get(salt)?.ranges() ?? []) all.add(...range);
  expect(all.rangeCount).toBe(1);
  expect(all.first).toBe(1);
});

test('what a damaged gap record said is not known any more, and neither it nor a missing row stands in the way', () => {
  for (let group = 0; group < 70; group += 1) append(larges(20));
  expect(store.stats().dropped).toBeGreaterThan(0);
  const vandal = new Sqlite(path);
  const damage = vandal.prepare('UPDATE records SET body = ? WHERE row = ?');
  const gaps = vandal.prepare("SELECT row FROM records WHERE station = '_gateway' ORDER BY row").pluck().all();
  damage.run(Buffer.from([0xff]), gaps[0]);
  damage.run(gapBody({ run: 'x', reason: 'dropped', ranges: [[2, 1], [0.5, 1], 3] }), gaps[1]);
  vandal.prepare('DELETE FROM records WHERE row = ?').run(gaps[2]);
  vandal.close();
  for (let group = 0; group < 400; group += 1) append(Array.from({ length: 20 }, (_, index) => bigEvent(index)));
  expect(gaps.length).toBeGreaterThan(3);
  const delivery = new Delivery();
  delivery.drain();
  expect(delivery.declared.get(Buffer.from(saltOf(1)).toString('hex'))?.has(gaps[2] as number)).toBe(true);
});

test('a row that one of two forwarders has is gone for the other, and declared', () => {
  reopen(['centre', 'spare']);
  for (let group = 0; group < 20; group += 1) append(larges(20));
  settle('spare', saltOf(2), [[1, 400]]);
  for (let group = 0; group < 50; group += 1) append(larges(20));
  const delivery = new Delivery();
  delivery.drain('centre');
  const salt = Buffer.from(saltOf(2)).toString('hex');
  expect(delivery.declared.get(salt)?.within(1, 400)).toEqual([[1, 400]]);
});

test('a forwarder that begins, or comes back, is told what had given way before, once and after the first record', () => {
  const first = Buffer.from(saltOf(1)).toString('hex');
  for (let group = 0; group < 100; group += 1) {
    const row = append(larges(20)) as number;
    if (group > 0) settle('centre', saltOf(1), [[row, row + 19]]);
  }
  const longName = 'spare'.padEnd(63, 'x');
  reopen(['centre', longName]);
  // A start that comes no further than this has told nobody: the next one does.
  reopen(['centre', longName]);
  expect(append([event(1)])).toBe(1);
  reopen(['centre', longName]);
  append([event(2)]);
  const spare = new Delivery();
  spare.drain(longName);
  const gaps = spare.gaps.filter(({ info }) => info?.reason === 'before');
  expect(gaps.map(({ sequence, info }) => [sequence, info?.run, info?.forwarder])).toEqual([[2, first, longName]]);
  const all = new IntervalSet(spare.delivered.get(first)?.ranges());
  for (const range of spare.declared.get(first)?.ranges() ?? [])
    expect(all.add(...range)).toBe(range[1] - range[0] + 1);
  expect(all.ranges()).toEqual([[1, 2000]]);
  for (const gap of spare.gaps) expect(encodedRecordBytes(gap)).toBeLessThanOrEqual(BOUNDS.recordBytes);

  reopen(['centre']);
  for (let group = 0; group < 100; group += 1) append(larges(20));
  const centre = new Delivery();
  reopen(['centre', longName]);
  append([event(3)]);
  centre.drain();
  const again = centre.gaps.filter(({ info }) => info?.reason === 'before');
  expect(again.map(({ info }) => info?.run)).toEqual([first, Buffer.from(saltOf(5)).toString('hex')]);
  // What it has been told of is not told again.
  reopen(['centre']);
  append([event(4)]);
  reopen(['centre', longName]);
  append([event(5)]);
  const third = new Delivery();
  third.drain(longName);
  const told = third.gaps.filter(({ info }) => info?.reason === 'before').map(({ info }) => info?.run);
  expect(told).toEqual([Buffer.from(saltOf(5)).toString('hex')]);
});

test('once no forwarder is left, everything is history and gives way without a word', () => {
  for (let group = 0; group < 30; group += 1) append(larges(20));
  reopen([]);
  expect(append(larges(20))).toBe(1);
  // After the event that says so.
  for (let group = 1; group < 60; group += 1) expect(append(larges(20))).toBe(2 + 20 * group);
  expect(store.stats().dropped).toBe(0);
});

describe('whatever happens', () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant('large' as const), count: fc.integer({ min: 1, max: 120 }) }) },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant('events' as const), count: fc.integer({ min: 1, max: 120 }) }),
    },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('deliver' as const), lane: fc.constantFrom(...LANES) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('take' as const), lane: fc.constantFrom(...LANES) }) },
    { weight: 1, arbitrary: fc.constant({ do: 'restart' as const }) },
  );

  // A large group of rows that are a little longer than half a page, when there is just room for it.
  const counts = [70, 105, 40, 98, 40, 98, 43, 50, 64, 36, 42];
  const halfPages = [
    ...counts.map((count) => ({ do: 'large' as const, count })),
    { do: 'events' as const, count: 87 },
    { do: 'take' as const, lane: 'urgent' as const },
    { do: 'deliver' as const, lane: 'urgent' as const },
    { do: 'large' as const, count: 9 },
    { do: 'large' as const, count: 111 },
  ];

  test('every record is delivered or declared, never both, and the bytes stay within the budget', {
    timeout: 120_000,
  }, () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 10, maxLength: 50 }), (steps) => {
        store.close();
        for (const suffix of ['', '-wal', '-shm', '.runs']) rmSync(`${path}${suffix}`, { force: true });
        starts = 0;
        open();
        const delivery = new Delivery();
        for (const step of steps) {
          if (step.do === 'restart') reopen();
          else if (step.do === 'deliver') delivery.deliver(step.lane);
          else if (step.do === 'take') store.take('centre', step.lane, { ...LIMITS, recordsMax: 50 }, 0);
          else
            append(
              Array.from({ length: step.count }, (_, index) => (step.do === 'large' ? large(index) : bigEvent(index))),
            );
        }
        reopen();
        delivery.drain();
        for (const [salt, set] of delivery.delivered) {
          const declared = delivery.declared.get(salt) ?? new IntervalSet();
          const all = new IntervalSet(set.ranges());
          for (const range of declared.ranges()) expect(all.add(...range)).toBe(range[1] - range[0] + 1);
          expect(all.ranges()).toEqual([[1, Math.max(set.last ?? 0, declared.last ?? 0)]]);
        }
        for (const gap of delivery.gaps) expect(encodedRecordBytes(gap)).toBeLessThanOrEqual(BOUNDS.recordBytes);
      }),
      { numRuns: 10, examples: [[halfPages]] },
    );
  });
});

function gapBody(info: Info): Buffer {
  return Buffer.from(packed([{ ...event(1), kind: 'gap', info }]).bodies);
}

function bigEvent(number: number): Observation {
  return { ...event(number), info: { event: 'config', note: 'x'.repeat(100), other: 'y'.repeat(100), number } };
}
