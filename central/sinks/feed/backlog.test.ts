import fc from 'fast-check';
import { expect, test } from 'vitest';
import { span } from '../../../test/conformance/entries.ts';
import type { ConsumedMessage } from '../../recordlog/kafka/client.ts';
import { Backlog, type Taken } from './backlog.ts';

const messages = (first: number, last: number, bytes = 10): ConsumedMessage[] =>
  span(first, last).map((offset) => ({ offset, key: 'k', value: Buffer.alloc(bytes), timestampMs: 0 }));

const countsIn = (taken: Taken | undefined): Record<number, number> =>
  Object.fromEntries([...(taken ?? [])].map(([partition, slice]) => [partition, slice.messages.length]));

function filled(counts: Readonly<Record<number, number>>): Backlog {
  const backlog = new Backlog();
  for (const [partition, count] of Object.entries(counts)) backlog.add(Number(partition), messages(0, count - 1));
  return backlog;
}

test('without a limit a write is about all that waits', () => {
  const backlog = filled({ 0: 5, 1: 9 });
  expect(countsIn(backlog.take())).toEqual({ 0: 5, 1: 9 });
  expect([...backlog.settle()]).toEqual([
    [0, 5],
    [1, 9],
  ]);
  expect(backlog.bytes).toBe(0);
  expect(backlog.take()).toBeUndefined();
});

test('a full partition has its share of a write, and what others leave of theirs', () => {
  const limit = { records: 12, bytes: 1e9 };
  expect(countsIn(filled({ 0: 100, 1: 2, 2: 100 }).take(limit))).toEqual({ 0: 6, 1: 2, 2: 4 });
  expect(countsIn(filled({ 0: 100, 1: 1 }).take(limit))).toEqual({ 0: 11, 1: 1 });
});

test('a message that is larger than a write may be is written all the same, and no partition waits for ever', () => {
  const backlog = new Backlog();
  backlog.add(0, messages(0, 3, 50));
  backlog.add(1, messages(0, 99, 10));
  const limit = { records: 100, bytes: 40 };
  const order: Record<number, number>[] = [];
  for (let write = 0; write < 9; write += 1) {
    order.push(countsIn(backlog.take(limit)));
    backlog.settle();
  }
  expect(order.filter((counts) => counts[0] === 1)).toHaveLength(4);
  expect(order.filter((counts) => (counts[1] ?? 0) > 0).length).toBeGreaterThanOrEqual(5);
});

test('whatever comes, in whatever order it is taken or taken away, each message is written once, in order, within the limit', () => {
  const step = fc.oneof(
    fc.record({ add: fc.nat(3), count: fc.integer({ min: 1, max: 30 }), bytes: fc.integer({ min: 1, max: 60 }) }),
    fc.record({ records: fc.integer({ min: 1, max: 20 }), bytes: fc.integer({ min: 1, max: 300 }) }),
    fc.record({ forget: fc.nat(3) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const backlog = new Backlog();
      const ends = new Map<number, number>();
      const next = new Map<number, number>();
      const write = (limit?: { readonly records: number; readonly bytes: number }): boolean => {
        const taken = backlog.take(limit);
        let [records, bytes] = [0, 0];
        for (const [partition, { messages: some }] of taken ?? []) {
          const first = next.get(partition) ?? 0;
          expect(some.map(({ offset }) => offset)).toEqual(span(first, first + some.length - 1));
          next.set(partition, first + some.length);
          records += some.length;
          bytes += some.reduce((sum, { value }) => sum + value.length, 0);
        }
        if (limit !== undefined) {
          expect(records).toBeLessThanOrEqual(limit.records);
          // One that does not fit is taken at the most.
          expect(bytes).toBeLessThan(limit.bytes + 61);
        }
        for (const [partition, offset] of backlog.settle()) expect(offset).toBe(next.get(partition));
        return taken !== undefined;
      };
      for (const each of steps) {
        if ('add' in each) {
          const first = ends.get(each.add) ?? 0;
          backlog.add(each.add, messages(first, first + each.count - 1, each.bytes));
          ends.set(each.add, first + each.count);
        } else if ('forget' in each) {
          backlog.forget(each.forget);
          next.set(each.forget, ends.get(each.forget) ?? 0);
        } else {
          write(each);
        }
      }
      while (write({ records: 7, bytes: 100 }));
      for (const [partition, end] of ends) expect(next.get(partition) ?? 0).toBe(end);
      expect(backlog.bytes).toBe(0);
    }),
  );
});
