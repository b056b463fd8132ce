import { expect, test } from 'vitest';
import { span } from '../../../test/conformance/entries.ts';
import type { ConsumedMessage } from '../../recordlog/kafka/client.ts';
import { PartitionWindow } from './partition-window.ts';

const MIB = 2 ** 20;

/** A window whose messages are stored when the test says so. */
function setUp(messagesMax: number, first = 10) {
  const holds: boolean[] = [];
  const taken = new Map<number, PromiseWithResolvers<void>>();
  const signals: AbortSignal[] = [];
  const window = new PartitionWindow({
    first,
    messagesMax,
    take: ({ offset }, over) => {
      const stored = Promise.withResolvers<void>();
      taken.set(offset, stored);
      signals.push(over);
      return stored.promise;
    },
    hold: (isFull) => holds.push(isFull),
  });
  const add = (offsets: readonly number[], bytes = 1): void =>
    window.add(
      offsets.map((offset): ConsumedMessage => {
        return { offset, key: undefined, value: Buffer.alloc(bytes), timestampMs: 0 };
      }),
    );
  const store = async (...offsets: readonly number[]): Promise<void> => {
    for (const offset of offsets) taken.get(offset)?.resolve();
    await turn();
  };
  return { window, holds, taken, signals, add, store };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('the next offset is behind all that are stored without a hole, whatever the order', async () => {
  const { window, add, store } = setUp(10);
  add([10, 11, 12, 13]);
  expect([window.next, window.committed, window.waiting]).toEqual([10, 10, 4]);
  await store(12, 11);
  expect([window.next, window.waiting]).toEqual([10, 4]);
  await store(10);
  expect([window.next, window.waiting]).toEqual([13, 1]);
  await store(13);
  expect([window.next, window.waiting]).toEqual([14, 0]);
});

test('offsets that a topic of others does not have are passed', async () => {
  const { window, add, store } = setUp(10);
  add([12, 40]);
  await store(12);
  expect(window.next).toBe(13);
  await store(40);
  expect(window.next).toBe(41);
});

test('so many are under way at once, the partition is held meanwhile, and goes on by itself', async () => {
  const { window, holds, taken, add, store } = setUp(2);
  add(span(10, 14));
  expect([...taken.keys()]).toEqual([10, 11]);
  expect(holds).toEqual([true]);
  add([15]);
  expect(holds).toEqual([true]);
  await store(11);
  // The one before it is under way: it counts until it can be told.
  expect([...taken.keys()]).toEqual([10, 11]);
  await store(10);
  expect([...taken.keys()]).toEqual([10, 11, 12, 13]);
  await store(12, 13);
  expect(holds).toEqual([true, false]);
  await store(14, 15);
  expect([window.next, window.waiting]).toEqual([16, 0]);
});

test('bytes bound what is under way, but for one alone', async () => {
  const { taken, holds, add, store } = setUp(100);
  add([10], 9 * MIB);
  expect([...taken.keys()]).toEqual([10]);
  add([11, 12, 13], 5 * MIB);
  expect([...taken.keys()]).toEqual([10]);
  expect(holds).toEqual([true]);
  await store(10);
  expect([...taken.keys()]).toEqual([10, 11, 12]);
  await store(11, 12);
  expect([...taken.keys()]).toEqual([10, 11, 12, 13]);
  expect(holds).toEqual([true, false]);
});

test('draining begins nothing more, and is over when what is under way is stored', async () => {
  const { window, taken, add, store } = setUp(2);
  add(span(10, 13));
  let isDrained = false;
  const drained = window.drain().then(() => {
    isDrained = true;
  });
  await store(10);
  expect([isDrained, [...taken.keys()]]).toEqual([false, [10, 11]]);
  await store(11);
  await drained;
  expect([window.next, window.waiting]).toEqual([12, 0]);
  await window.drain();
});

test('one that is somebody else’s now is told to those under way, and what they bring counts no more', async () => {
  const { window, signals, taken, add, store } = setUp(2);
  add(span(10, 13));
  const drained = window.drain();
  window.end();
  await drained;
  expect(signals.every(({ aborted }) => aborted)).toBe(true);
  taken.get(11)?.reject(signals[1]?.reason);
  await store(10);
  expect([window.next, window.waiting]).toEqual([10, 0]);
});
