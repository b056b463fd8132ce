import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { FlatRecord } from '../../central/recordlog/recordlog.ts';
import { FilesSink } from '../../central/sinks/files/files.ts';
import { systemClock } from '../../runtime/clock.ts';
import { MooringError } from '../../runtime/errors.ts';
import { silentLog } from '../../runtime/log.ts';
import { entryOf, runOf, span } from '../conformance/entries.ts';
import { recordsIn } from '../conformance/files-sink.ts';
import { foreignOf } from '../conformance/remote-records.ts';
import { eventually } from '../processes.ts';
import { mountBindfs, mountTmpfs } from './files-mounts.ts';

const RUN = runOf(1);
const never = new AbortController().signal;
const SOON_MS = 15_000;

let place = '';
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'mooring-mounts-'));
});
afterEach(() => rmSync(place, { recursive: true, force: true }));

const sinkAt = (path: string): FilesSink =>
  new FilesSink({
    ...{ name: 'archive', path, clock: systemClock, log: silentLog, commitIntervalMs: 5, gatherMs: 1 },
  });

const write = (sink: FilesSink, first: number, last: number): Promise<number> =>
  sink.write(
    [entryOf(RUN, span(first, last))],
    undefined,
    span(first, last).map((number) => ({ flat: foreignOf(number) })),
  );

/** As the feed of a sink does: again and again, until it is written. */
const writeUntilDone = (sink: FilesSink, first: number, last: number): Promise<unknown> =>
  eventually('it is written', SOON_MS, async () => {
    try {
      await write(sink, first, last);
      return true;
    } catch (error) {
      if (!(error instanceof MooringError) || error.retry === 'never') throw error;
      return false;
    }
  });

const expectExactly = (folder: string, last: number): void => {
  const idsOf = (flats: readonly FlatRecord[]): string[] => flats.map(({ id }) => id).sort();
  const expected = [...entryOf(RUN, span(1, last)).records.map(({ flat }) => flat), ...span(1, last).map(foreignOf)];
  expect(idsOf(recordsIn(folder))).toEqual(idsOf(expected));
};

test('bindfs: killed in the middle, it is mounted again, and nothing is lost or doubled', async () => {
  const mount = await mountBindfs(place);
  try {
    const folder = join(mount.path, 'records');
    const sink = sinkAt(folder);
    await sink.open(never);
    await write(sink, 1, 20);
    process.kill(mount.pid(), 'SIGKILL');
    await expect(write(sink, 10, 40)).rejects.toMatchObject({ code: 'SINK_FAILED' });
    await mount.remount();
    await writeUntilDone(sink, 10, 40);
    await write(sink, 1, 50);
    expectExactly(folder, 50);
    await sink.close();
  } finally {
    await mount.end();
  }
});

test('bindfs: while it stands still the event loop lives, and what waited is written once it goes on', async () => {
  const mount = await mountBindfs(place);
  try {
    const folder = join(mount.path, 'records');
    const sink = sinkAt(folder);
    await sink.open(never);
    await write(sink, 1, 20);
    process.kill(mount.pid(), 'SIGSTOP');
    const waiting = write(sink, 21, 40);
    let longestMs = 0;
    for (let tick = 0, lastMs = systemClock.monotonicMs(); tick < 60; tick += 1) {
      await systemClock.sleep(25);
      longestMs = Math.max(longestMs, systemClock.monotonicMs() - lastMs);
      lastMs = systemClock.monotonicMs();
    }
    expect(await Promise.race([waiting, Promise.resolve('waits')])).toBe('waits');
    process.kill(mount.pid(), 'SIGCONT');
    await waiting;
    expect(longestMs).toBeLessThan(500);
    await write(sink, 1, 50);
    expectExactly(folder, 50);
    await sink.close();
  } finally {
    process.kill(mount.pid(), 'SIGCONT');
    await mount.end();
  }
});

test('tmpfs: full, it takes nothing half, and goes on where there is room again', async () => {
  const path = join(place, 'mount');
  const unmount = mountTmpfs(path, 512 * 1024);
  try {
    const folder = join(path, 'records');
    const sink = sinkAt(folder);
    await sink.open(never);
    await write(sink, 1, 20);
    const ballast = join(path, 'ballast');
    expect(() => writeFileSync(ballast, Buffer.alloc(2 ** 20))).toThrow('ENOSPC');
    await expect(write(sink, 15, 200)).rejects.toMatchObject({ code: 'SINK_FAILED' });
    rmSync(ballast);
    await writeUntilDone(sink, 15, 200);
    expectExactly(folder, 200);
    await sink.close();
  } finally {
    unmount();
  }
});
