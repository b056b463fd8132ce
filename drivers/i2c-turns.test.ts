import { expect, test } from 'vitest';
import { SteppedClock } from '../sim/clock.ts';
import { NoPorts } from '../test/no-ports.ts';
import { ChipTurns, chipTurns } from './i2c-turns.ts';

const { signal } = new AbortController();

test('one works at a time, in order, and after one that failed the next', async () => {
  const clock = new SteppedClock();
  const turns = new ChipTurns();
  const said: string[] = [];
  const work = (name: string, ms: number) =>
    turns.take(signal, async () => {
      said.push(`${name} begins`);
      await clock.sleep(ms);
      said.push(`${name} ends`);
      if (name === 'b') throw new Error(name);
    });
  const outcomes = Promise.allSettled([work('a', 30), work('b', 10), work('c', 20)]);
  await clock.advance(100);
  expect((await outcomes).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(said).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
});

test('who gives up while it waits leaves at once, and lets nobody past the one before it', async () => {
  const clock = new SteppedClock();
  const turns = new ChipTurns();
  const giveUp = new AbortController();
  const first = turns.take(signal, () => clock.sleep(50));
  const second = turns.take(giveUp.signal, () => Promise.reject(new Error('it had no turn')));
  let third = 'waits';
  const last = turns.take(signal, async () => {
    third = 'works';
  });
  giveUp.abort(new Error('given up'));
  await expect(second).rejects.toThrow('given up');
  await clock.advance(49);
  expect(third).toBe('waits');
  await clock.advance(1);
  await Promise.all([first, last]);
  expect(third).toBe('works');
});

test('a chip is the same for all who ask for it on a machine, and for nobody else', () => {
  const machine = new NoPorts();
  const settings = { bus: 'i2c-1', address: 0x48 };
  const turns = chipTurns(machine, settings);
  expect(chipTurns(machine, { ...settings })).toBe(turns);
  for (const other of [
    chipTurns(new NoPorts(), settings),
    chipTurns(machine, { ...settings, bus: 'i2c-2' }),
    chipTurns(machine, { ...settings, address: 0x49 }),
    chipTurns(machine, { ...settings, mux: { address: 0x70, channel: 0 } }),
  ]) {
    expect(other).not.toBe(turns);
  }
});
