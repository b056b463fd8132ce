import { expect } from 'vitest';
import { type Append, Appender } from '../../central/sinks/appender.ts';
import type { RunId } from '../../protocol/ids.ts';
import { type Log, silentLog } from '../../runtime/log.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { SteppedClock } from '../../sim/clock.ts';
import { PowerCutDisk } from './power-cut-disk.ts';

/** The folder that everything below is about. */
export const ROOT = '/srv/mooring/records';
export const RUNS: readonly RunId[] = ['00000000-0000-8000-8000', '11111111-1111-8111-9111'];
export const never = new AbortController().signal;

/** An appender on a disk in memory; `append` steps the clock until the commit is over. */
export function setUp(disk = new PowerCutDisk(new SeededRandom(1)), log: Log = silentLog) {
  const clock = new SteppedClock();
  const appender = new Appender({
    root: ROOT,
    stateDir: `${ROOT}/.mooring`,
    isEmpty: async (on) => !((await on.list(ROOT)) ?? []).some((name) => name !== '.mooring'),
    clock,
    log,
    disk,
  });
  const append = async (appends: readonly Append[]): Promise<void> => {
    const appended = appender.append(appends);
    // The failure is awaited below; stepping must not find it unhandled.
    appended.catch(() => undefined);
    await clock.advance(1000);
    await appended;
  };
  return { appender, append, clock, disk };
}

/** `first..last` of a run, all in one file; each says its own name. */
export const lines = (run: RunId, first: number, last: number, file: string): Append => ({
  run,
  lines: Array.from({ length: last - first + 1 }, (_, index) => ({
    sequence: first + index,
    file,
    text: `${run}/${first + index}`,
  })),
});

/** Every line of every file; fails where a file holds anything but whole lines. */
export function linesOn(disk: PowerCutDisk): string[] {
  return [...disk.files(ROOT)]
    .filter(([path]) => !path.startsWith('.mooring/'))
    .flatMap(([, text]) => {
      expect(text === '' || text.endsWith('\n')).toBe(true);
      return text.split('\n').slice(0, -1);
    });
}

/** The state as it stands on the disk. */
export const stateOn = (disk: PowerCutDisk): { files: Record<string, number>; logs: unknown; runs: unknown } =>
  JSON.parse(disk.files(ROOT).get('.mooring/state.json')?.split('\n')[0] as string);
