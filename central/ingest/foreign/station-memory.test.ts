import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SteppedClock } from '../../../sim/clock.ts';
import { LogLines } from '../../../test/log-lines.ts';
import { ForeignStations } from '../../formats/foreign-station.ts';
import { besides, loadStations, StationMemory, stationFileOf } from './station-memory.ts';

let folder: string;
let lines: LogLines;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mooring-stations-'));
  lines = new LogLines();
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function opened(clock = new SteppedClock()): Promise<StationMemory> {
  const memory = new StationMemory({ path: stationFileOf(folder, 'building'), clock, log: lines });
  await memory.open();
  return memory;
}

test('who has a name keeps it across a restart', async () => {
  const before = await opened();
  expect(before.collisionOf('th-1', 'TH 1')).toBeUndefined();
  await before.close();
  const after = await opened();
  expect(after.collisionOf('th-1', 'th-1')).toBe('TH 1');
  expect(after.collisionOf('th-1', 'TH 1')).toBeUndefined();
  await after.close();
  expect((await loadStations(stationFileOf(folder, 'building'))).ownerOf('th-1')).toBe('TH 1');
});

test('it is kept some seconds after a name was new, and is not written for one that is known', async () => {
  const clock = new SteppedClock();
  const memory = await opened(clock);
  memory.collisionOf('a', 'A');
  expect(clock.pendingTimers).toBe(1);
  await clock.advance(5000);
  await memory.close();
  expect((await loadStations(stationFileOf(folder, 'building'))).ownerOf('a')).toBe('A');
  memory.collisionOf('a', 'A');
  memory.collisionOf('a', 'a');
  expect(clock.pendingTimers).toBe(0);
});

test('beside another memory, who has a name there has it here', () => {
  const both = besides(new ForeignStations([['a', 'A']]), new ForeignStations());
  expect(both.collisionOf('a', 'a')).toBe('A');
  expect(both.collisionOf('a', 'A')).toBeUndefined();
  expect(both.collisionOf('b', 'B')).toBeUndefined();
  expect(both.collisionOf('b', 'b')).toBe('B');
});

test('that it cannot be kept is told of, and stops nothing', async () => {
  await writeFile(join(folder, 'stations'), '');
  const memory = new StationMemory({ path: stationFileOf(folder, 'b'), clock: new SteppedClock(), log: lines });
  memory.collisionOf('a', 'A');
  await memory.close();
  expect(lines.said).toEqual(['error: the names of the devices of a source cannot be kept']);
});
