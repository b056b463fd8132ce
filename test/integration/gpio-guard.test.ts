import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { GpiodStage, type GpiodVersion, sysfsStage } from '../gpiod-stage.ts';
import { eventually, type Program, Programs } from '../processes.ts';

const DAEMON = new URL('../gpio-daemon.ts', import.meta.url).pathname;
const VERSIONS: readonly GpiodVersion[] = ['1.6.3', '2.2.1'];
/** Many times what it takes on a busy machine. */
const SOON_MS = 10_000;

let programs = new Programs();
afterEach(async () => {
  await programs.end();
  programs = new Programs();
});

/** A real process that has GPIO17 of the stage switched on by a real guard. */
async function playing(stage: GpiodStage): Promise<{ readonly daemon: Program; readonly guard: number }> {
  const { dev, sys, toolsFolder } = stage;
  const args = [DAEMON, JSON.stringify({ line: 'GPIO17', dev, sys, toolsFolder })];
  const daemon = programs.start({ name: 'daemon', command: process.execPath, args });
  const { guard } = await daemon.says('playing', SOON_MS);
  await levelsAre(stage, 0, 1);
  return { daemon, guard: guard as number };
}

async function levelsAre(stage: GpiodStage, ...levels: readonly number[]): Promise<void> {
  await eventually(`levels ${levels.join(' ')}`, SOON_MS, () => String(stage.levels(17)) === String(levels));
}

function isRunning(pid: number): boolean {
  return existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
}

/** A process and all that it has started, and those. */
function familyOf(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean);
  return [pid, ...children.flatMap((child) => familyOf(Number(child)))];
}

async function everybodyEnds(stage: GpiodStage, guard: number): Promise<void> {
  await eventually('the guard ends', SOON_MS, () => !isRunning(guard));
  await eventually('the line is free', SOON_MS, () => !stage.isHeld(17));
}

test.each(VERSIONS)(
  'a daemon that is killed leaves nothing switched on, and nobody behind (gpiod %s)',
  async (version) => {
    using stage = new GpiodStage(version, 4);
    const { daemon, guard } = await playing(stage);
    expect(stage.isHeld(17)).toBe(true);
    await daemon.kill();
    await levelsAre(stage, 0, 1, 0);
    await everybodyEnds(stage, guard);
    expect(stage.levels(17)).toEqual([0, 1, 0]);
  },
);

test('a daemon that is stopped leaves nothing switched on, and goes on when it is back', async () => {
  using stage = new GpiodStage('2.2.1', 11);
  const { daemon, guard } = await playing(stage);
  daemon.pause();
  await levelsAre(stage, 0, 1, 0);
  expect(stage.isHeld(17)).toBe(true);
  daemon.resume();
  await levelsAre(stage, 0, 1, 0, 1);
  await daemon.stop();
  await levelsAre(stage, 0, 1, 0, 1, 0);
  await everybodyEnds(stage, guard);
});

test.each(VERSIONS)(
  'a guard that is killed leaves nothing switched on, and the daemon hears of it (gpiod %s)',
  async (version) => {
    using stage = new GpiodStage(version, 0);
    const { daemon, guard } = await playing(stage);
    process.kill(guard, 'SIGKILL');
    await daemon.says('output lost', SOON_MS);
    await levelsAre(stage, 0, 1, 0);
    await everybodyEnds(stage, guard);
  },
);

test.each(VERSIONS)(
  'a watchdog of systemd, which aborts all processes of the unit at once, leaves nothing switched on (gpiod %s)',
  async (version) => {
    using stage = new GpiodStage(version, 4);
    const { daemon, guard } = await playing(stage);
    for (const pid of familyOf(daemon.pid)) process.kill(pid, 'SIGABRT');
    await daemon.kill();
    await levelsAre(stage, 0, 1, 0);
    await everybodyEnds(stage, guard);
  },
);

test('what a terminal or systemd sends to everybody ends neither the guard nor what holds the line', async () => {
  using stage = new GpiodStage('1.6.3', 0);
  const { daemon, guard } = await playing(stage);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const) {
    for (const pid of [guard, ...stage.holders(17)]) process.kill(pid, signal);
  }
  expect(await daemon.stop()).toBe(0);
  await everybodyEnds(stage, guard);
  expect(stage.levels(17)).toEqual([0, 1, 0]);
});

test('a daemon and a guard that are killed at once leave nothing switched on behind the older interface', async () => {
  const base = 512;
  using stage = sysfsStage(base);
  const args = [DAEMON, JSON.stringify({ line: 'GPIO17', ...stage.places })];
  const daemon = programs.start({ name: 'daemon', command: process.execPath, args });
  const { guard } = await daemon.says('playing', SOON_MS);
  const value = join(stage.root, `gpio${base + 17}`, 'value');
  await eventually('the line is on', SOON_MS, () => readFileSync(value, 'utf8').trim() === '1');
  process.kill(guard as number, 'SIGKILL');
  await eventually('the line is off', SOON_MS, () => readFileSync(value, 'utf8').trim() === '0');
  await daemon.kill();
});
