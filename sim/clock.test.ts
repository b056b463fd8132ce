import { expect, it } from 'vitest';
import { SteppedClock } from './clock.ts';

it('runs timers in the order in which they fall due, each at its own time', async () => {
  const clock = new SteppedClock();
  const ran: [string, number][] = [];
  clock.after(30, () => ran.push(['late', clock.monotonicMs()]));
  clock.after(10, () => ran.push(['early', clock.monotonicMs()]));
  clock.after(10, () => ran.push(['second', clock.monotonicMs()]));
  await clock.advance(20);
  expect(ran).toEqual([
    ['early', 10],
    ['second', 10],
  ]);
  await clock.advance(20);
  expect(ran.at(-1)).toEqual(['late', 30]);
  expect(clock.monotonicMs()).toBe(40);
});

it('runs no timer while the process stands still, and those that fell due late', async () => {
  const clock = new SteppedClock();
  const ran: number[] = [];
  clock.after(10, () => ran.push(clock.monotonicMs()));
  clock.stall(50);
  expect(ran).toEqual([]);
  await clock.advance(0);
  expect(ran).toEqual([50]);
});

it('steps the wall clock without touching timers', async () => {
  const clock = new SteppedClock(1000);
  clock.jumpWall(5000);
  await clock.advance(1);
  expect([clock.wallMs(), clock.monotonicMs()]).toEqual([6001, 1]);
});
