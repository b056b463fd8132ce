import { expect, test } from 'vitest';
import { SteppedClock } from '../../../sim/clock.ts';
import { RecentIds } from './recent-ids.ts';

test('no more than so many are remembered: the oldest are forgotten first', async () => {
  const clock = new SteppedClock();
  const recent = new RecentIds({ clock, windowMs: 1000, max: 3 });
  for (let index = 0; index < 5; index += 1) {
    recent.begin(`${index}`, Promise.resolve({ partition: 1, offset: index }));
    await clock.advance(1);
  }
  expect(recent.size).toBe(3);
  const known = ['0', '1', '2', '3', '4'].map((id) => recent.fateOf(id));
  expect(known).toEqual([undefined, undefined, ...[2, 3, 4].map((offset) => ({ partition: 1, offset }))]);
  await clock.advance(998);
  expect([recent.fateOf('3'), recent.fateOf('4'), recent.size]).toMatchObject([undefined, { offset: 4 }, 1]);
});

test('one that was refused, or that nobody knows of, is new when it comes again', async () => {
  const clock = new SteppedClock();
  const recent = new RecentIds({ clock, windowMs: 1000 });
  recent.begin('refused', Promise.resolve({ refused: 'too_large' }));
  recent.begin('lost', Promise.reject(new Error('lost')));
  const fate = recent.fateOf('lost');
  expect(fate).toBeInstanceOf(Promise);
  await expect(fate).rejects.toThrow('lost');
  await clock.advance(0);
  expect([recent.fateOf('refused'), recent.fateOf('lost')]).toEqual([undefined, undefined]);
});
