import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { mountBindfs, mountTmpfs } from './files-mounts.ts';
import {
  expectExactly,
  expectToLiveWhileItStandsStill,
  never,
  sinkAt,
  write,
  writeUntilDone,
} from './mounted-files.ts';

let place = '';
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'mooring-mounts-'));
});
afterEach(() => rmSync(place, { recursive: true, force: true }));

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
    await expectExactly(folder, 50);
    await sink.close();
  } finally {
    await mount.end();
  }
});

test('bindfs: while it stands still the event loop lives, and what waited is written once it goes on', async () => {
  const mount = await mountBindfs(place);
  try {
    await expectToLiveWhileItStandsStill(join(mount.path, 'records'), mount.pid());
  } finally {
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
    await expectExactly(folder, 200);
    await sink.close();
  } finally {
    unmount();
  }
});
