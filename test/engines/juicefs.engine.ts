/** The files sink on JuiceFS, mounted with FUSE: its suite, and what becomes of it when the mount is killed, stopped, full, or restarted. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FilesSink } from '../../central/sinks/files/files.ts';
import { harness } from '../conformance/files-sink.ts';
import { describeSink } from '../conformance/sink.ts';
import { JuiceFs } from './juicefs.ts';
import { BUILD_MS } from './juicefs-build.ts';
import {
  expectExactly,
  expectToLiveWhileItStandsStill,
  never,
  sinkAt,
  write,
  writeUntilDone,
} from './mounted-files.ts';

const ROUNDS = 3;

let volume: JuiceFs;
beforeAll(async () => {
  volume = await JuiceFs.start();
}, BUILD_MS);
afterAll(() => volume.end());

describeSink('files on JuiceFS', harness, new URL('../conformance/files-sink.ts', import.meta.url).href, {
  above: () => volume.path,
});

describe('JuiceFS', () => {
  test('killed with whoever would have started it again, it is mounted again, and nothing is lost or doubled', async () => {
    const folder = join(volume.path, 'killed');
    const sink = sinkAt(folder);
    await sink.open(never);
    await write(sink, 1, 20);
    await volume.kill();
    await expect(write(sink, 10, 40)).rejects.toMatchObject({ code: 'SINK_FAILED' });
    await volume.remount();
    await writeUntilDone(sink, 10, 40);
    await write(sink, 1, 50);
    await expectExactly(folder, 50);
    await sink.close();
  });

  test('killed in the middle of commits and started again by its own, it is gone on with, and each record stands once', async () => {
    const folder = join(volume.path, 'restarted');
    const sink = sinkAt(folder);
    await sink.open(never);
    await write(sink, 1, 20);
    for (let round = 1; round <= ROUNDS; round += 1) {
      const writing = writeUntilDone(sink, 20 * round - 5, 20 * round + 20);
      await volume.restartByItself();
      await writing;
      await writeUntilDone(sink, 1, 20 * round + 20);
      await expectExactly(folder, 20 * round + 20);
    }
    await sink.close();
  });

  test('where another has taken the lock that a restart has freed, the first one writes nothing more', async () => {
    const folder = join(volume.path, 'two');
    const opened: FilesSink[] = [];
    const open = async (): Promise<FilesSink> => {
      const sink = sinkAt(folder);
      await sink.open(never);
      opened.push(sink);
      return sink;
    };
    let writer = await open();
    for (let round = 0; round < ROUNDS; round += 1) {
      await write(writer, 20 * round + 1, 20 * round + 20);
      const opening = open();
      await volume.restartByItself();
      const next = await opening;
      await expect(write(writer, 20 * round + 15, 20 * round + 30)).rejects.toMatchObject({ code: 'SINK_FAILED' });
      await write(next, 20 * round + 10, 20 * round + 20);
      await expect(write(writer, 1, 20 * round + 30)).rejects.toMatchObject({ code: 'SINK_FAILED' });
      await expectExactly(folder, 20 * round + 20);
      writer = next;
    }
    for (const sink of opened) await sink.close();
    await expectExactly(folder, 20 * ROUNDS);
  });

  test('while it stands still the event loop lives, and what waited is written once it goes on', async () => {
    const longestMs = await expectToLiveWhileItStandsStill(join(volume.path, 'still'), volume.pid());
    process.stderr.write(`the event loop's longest delay: ${Math.round(longestMs)} ms\n`);
  });

  test('full, it takes nothing half, and goes on where there is room again', async () => {
    const folder = join(volume.path, 'full');
    const sink = sinkAt(folder);
    await sink.open(never);
    await write(sink, 1, 20);
    const makeRoom = volume.fill(2 ** 20);
    await expect(write(sink, 15, 20_000)).rejects.toMatchObject({
      code: 'SINK_FAILED',
      hint: 'The disk is full. Make room.',
    });
    makeRoom();
    await writeUntilDone(sink, 15, 1000);
    await expectExactly(folder, 1000);
    await sink.close();
  });
});
