import { monitorEventLoopDelay } from 'node:perf_hooks';
import { expect } from 'vitest';
import type { FlatRecord } from '../../central/recordlog/recordlog.ts';
import { FilesSink } from '../../central/sinks/files/files.ts';
import { audit } from '../../cli/audit.ts';
import { systemClock } from '../../runtime/clock.ts';
import { MooringError } from '../../runtime/errors.ts';
import { silentLog } from '../../runtime/log.ts';
import { entryOf, runOf, span } from '../conformance/entries.ts';
import { recordsIn } from '../conformance/files-sink.ts';
import { foreignOf } from '../conformance/remote-records.ts';
import { eventually } from '../processes.ts';

const RUN = runOf(1);
const SOON_MS = 30_000;
/** Longer than any garbage collection, and shorter than anything that waits. */
const DELAY_MS_MAX = 500;
const STILL_MS = 2000;

export const never = new AbortController().signal;

export function sinkAt(path: string): FilesSink {
  return new FilesSink({
    ...{ name: 'archive', path, clock: systemClock, log: silentLog, commitIntervalMs: 5, gatherMs: 1 },
  });
}

/** Records of a run and of existing devices, as many of each. */
export function write(sink: FilesSink, first: number, last: number): Promise<number> {
  return sink.write(
    [entryOf(RUN, span(first, last))],
    undefined,
    span(first, last).map((number) => ({ flat: foreignOf(number) })),
  );
}

/** As the feed of a sink does: again and again, until it is written. */
export async function writeUntilDone(sink: FilesSink, first: number, last: number): Promise<void> {
  await eventually('it is written', SOON_MS, async () => {
    try {
      await write(sink, first, last);
      return true;
    } catch (error) {
      if (!(error instanceof MooringError) || error.retry === 'never') throw error;
      return false;
    }
  });
}

/** Every record up to that number stands there once, and the audit says so too. */
export async function expectExactly(folder: string, last: number): Promise<void> {
  const idsOf = (flats: readonly FlatRecord[]): string[] => flats.map(({ id }) => id).sort();
  const expected = [...entryOf(RUN, span(1, last)).records.map(({ flat }) => flat), ...span(1, last).map(foreignOf)];
  expect(idsOf(recordsIn(folder))).toEqual(idsOf(expected));
  expect(await audit(folder)).toMatchObject({ ok: true, foreign: last, unfinished: [] });
}

/**
 * One sink writes and one stands by, while whoever serves the mount stands still: the event loop lives, and once it goes on,
 * what waited is written. Returns the longest delay of the event loop, in milliseconds.
 */
export async function expectToLiveWhileItStandsStill(folder: string, serving: number): Promise<number> {
  const [sink, other] = [sinkAt(folder), sinkAt(folder)];
  const stop = new AbortController();
  await sink.open(never);
  await write(sink, 1, 20);
  const standing = other.open(stop.signal);
  standing.catch(() => undefined);
  await eventually('the other stands by', SOON_MS, () => other.isStandingBy);
  process.kill(serving, 'SIGSTOP');
  try {
    const waiting = write(sink, 21, 40);
    const delay = monitorEventLoopDelay({ resolution: 5 });
    delay.enable();
    await systemClock.sleep(STILL_MS);
    delay.disable();
    expect(await Promise.race([waiting, Promise.resolve('waits')])).toBe('waits');
    process.kill(serving, 'SIGCONT');
    await waiting;
    const longestMs = delay.max / 1e6;
    expect(longestMs).toBeLessThan(DELAY_MS_MAX);
    await write(sink, 1, 50);
    await expectExactly(folder, 50);
    return longestMs;
  } finally {
    process.kill(serving, 'SIGCONT');
    stop.abort(new Error('enough'));
    await standing.catch(() => undefined);
    await other.close();
    await sink.close();
  }
}
