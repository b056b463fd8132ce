import { expect, test } from 'vitest';
import { Turns } from './turns.ts';

const never = new AbortController().signal;

test('turns come in the order in which they were asked for, one at a time', async () => {
  const turns = new Turns();
  const order: number[] = [];
  await Promise.all(
    [1, 2, 3, 4].map(async (number) => {
      await turns.take(never);
      order.push(number);
      await Promise.resolve();
      order.push(number);
      turns.pass();
    }),
  );
  expect(order).toEqual([1, 1, 2, 2, 3, 3, 4, 4]);
  expect(turns.isTaken).toBe(false);
});

test('who gives up leaves the line; who is turned away hears why, and the turn that is taken stays', async () => {
  const turns = new Turns();
  await turns.take(never);
  const gone = new AbortController();
  const outcomes = Promise.allSettled([turns.take(gone.signal), turns.take(never), turns.take(never)]);
  gone.abort('gone');
  expect(turns.length).toBe(2);
  turns.turnAway(() => new Error('away'));
  expect(await outcomes).toMatchObject([
    { reason: 'gone' },
    { reason: { message: 'away' } },
    { reason: { message: 'away' } },
  ]);
  expect([turns.length, turns.isTaken]).toEqual([0, true]);
  await expect(turns.take(gone.signal)).rejects.toBe('gone');
  turns.pass();
  await turns.take(never);
});
