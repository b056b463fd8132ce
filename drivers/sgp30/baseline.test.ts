import { beforeEach, expect, test } from 'vitest';
import { MooringError } from '../../runtime/errors.ts';
import { silentLog } from '../../runtime/log.ts';
import { SteppedClock } from '../../sim/clock.ts';
import { HeldMemory } from '../../test/no-ports.ts';
import { BaselineKeeper } from './baseline.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const BASELINE = { eco2: 0x8a01, tvoc: 0x8b02 };
const CHIP = '000001729c5b';

let clock: SteppedClock;
let memory: HeldMemory;

beforeEach(() => {
  clock = new SteppedClock();
  memory = new HeldMemory();
});

const keeper = (): BaselineKeeper => new BaselineKeeper({ clock, memory, log: silentLog });
const keptAgo = (ms: number) => ({ chip: CHIP, ...BASELINE, kept: new Date(clock.wallMs() - ms).toISOString() });

/** So many hours go by, in which the chip is looked at when it is time. Hours after which something was kept. */
async function learn(keeping: BaselineKeeper, hours: number, baseline = BASELINE): Promise<number[]> {
  const kept: number[] = [];
  for (let hour = 1; hour <= hours; hour += 1) {
    await clock.advance(HOUR_MS);
    expect(keeping.isDue).toBe(true);
    memory.value = undefined;
    keeping.note(baseline);
    expect(keeping.isDue).toBe(false);
    if (memory.value !== undefined) kept.push(hour);
  }
  return kept;
}

test('of a new chip it is kept after twelve hours, and then each hour', async () => {
  const keeping = keeper();
  expect(await keeping.toRestore(CHIP)).toBeUndefined();
  keeping.begun();
  expect(await learn(keeping, 14)).toEqual([12, 13, 14]);
  expect(memory.value).toEqual({ chip: CHIP, ...BASELINE, kept: '2026-01-01T14:00:00.000Z' });
});

test('what the chip had learnt counts on when it had no power, less the hour that was not looked at', async () => {
  const keeping = keeper();
  await keeping.toRestore(CHIP);
  keeping.begun();
  await learn(keeping, 8);
  await clock.advance(HOUR_MS / 2);
  expect(await keeping.toRestore(CHIP)).toEqual(BASELINE);
  keeping.begun();
  expect(await learn(keeping, 5)).toEqual([4, 5]);
});

test('one that was kept is kept on each hour from the first', async () => {
  memory.value = keptAgo(DAY_MS);
  const keeping = keeper();
  expect(await keeping.toRestore(CHIP)).toEqual(BASELINE);
  keeping.begun();
  expect(await learn(keeping, 2)).toEqual([1, 2]);
});

test.each([
  ['six days old', 6 * DAY_MS],
  ['an hour ahead of a clock that is not set yet', -HOUR_MS],
])('one that is %s is given back', async (_, agoMs) => {
  memory.value = keptAgo(agoMs);
  expect(await keeper().toRestore(CHIP)).toEqual(BASELINE);
});

test.each([
  ['a week old', () => keptAgo(7 * DAY_MS)],
  ['of a clock that is years off', () => keptAgo(-3000 * DAY_MS)],
  ['of zeros, which would let the chip rest for ever', () => ({ ...keptAgo(0), eco2: 0, tvoc: 0 })],
  ['too large for its words', () => ({ ...keptAgo(0), eco2: 0x1_0000 })],
  ['without its time', () => ({ chip: CHIP, ...BASELINE })],
  ['of another chip', () => ({ ...keptAgo(0), chip: '000001729c5c' })],
  ['no object', () => 7],
])('one that is %s is not given back', async (_, kept) => {
  memory.value = kept();
  expect(await keeper().toRestore(CHIP)).toBeUndefined();
});

test('a chip that is put in the place of another learns from the beginning', async () => {
  const keeping = keeper();
  await keeping.toRestore(CHIP);
  keeping.begun();
  expect(await learn(keeping, 13)).toEqual([12, 13]);
  expect(await keeping.toRestore('000001729c5c')).toBeUndefined();
  keeping.begun();
  expect(await learn(keeping, 13)).toEqual([12, 13]);
  expect(memory.value).toMatchObject({ chip: '000001729c5c' });
});

test('what a chip has learnt is as old after a week without it, though the gateway ran on', async () => {
  const keeping = keeper();
  await keeping.toRestore(CHIP);
  keeping.begun();
  await learn(keeping, 13);
  await clock.advance(7 * DAY_MS - 1);
  expect(await keeping.toRestore(CHIP)).toEqual(BASELINE);
  await clock.advance(1);
  expect(await keeping.toRestore(CHIP)).toBeUndefined();
  keeping.begun();
  expect(await learn(keeping, 13)).toEqual([12, 13]);
});

test('one that was six days old when the gateway began is given back to a chip for another day', async () => {
  memory.value = keptAgo(6 * DAY_MS);
  const keeping = keeper();
  expect(await keeping.toRestore(CHIP)).toEqual(BASELINE);
  await clock.advance(DAY_MS);
  expect(await keeping.toRestore(CHIP)).toBeUndefined();
});

test('a memory that takes nothing is told to the log, and to nobody else', async () => {
  const warnings: string[] = [];
  memory.value = keptAgo(0);
  memory.save = () => Promise.reject(new MooringError('STATE_FAILED', 'the disk is full'));
  const log = { ...silentLog, warn: (_: object, message: string) => void warnings.push(message) };
  const keeping = new BaselineKeeper({ clock, memory, log });
  await keeping.toRestore(CHIP);
  keeping.begun();
  keeping.note(BASELINE);
  await clock.advance(0);
  expect(warnings).toEqual(['the baseline of the gas sensor could not be kept']);
});
