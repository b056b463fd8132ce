import type { ChildProcess } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { sysfsStage } from '../../../test/gpiod-stage.ts';
import { SysfsHolder } from './sysfs-holder.ts';

/** A line that is held, and what the shell that waits for this process's end hears. */
async function held(stage: ReturnType<typeof sysfsStage>) {
  const pipe = new PassThrough();
  const spawn = (): ChildProcess =>
    Object.assign(new EventEmitter(), {
      stdio: [null, null, null, pipe],
      kill: () => true,
    }) as unknown as ChildProcess;
  const found = { by: 'sysfs', root: stage.root, number: 529, onoff: stage.places.onoff } as const;
  const lost: Error[] = [];
  const holder = new SysfsHolder(spawn, 'GPIO17', found, 0, (error) => lost.push(error));
  await holder.take();
  return { holder, lost, pipe };
}

test('a line that is given back needs no shell any more', async () => {
  using stage = sysfsStage(512);
  const { holder, pipe } = await held(stage);
  holder.set(1);
  await holder.release();
  expect(stage.exported()).toEqual([]);
  expect([pipe.writableEnded, String(pipe.read())]).toEqual([true, '\n']);
});

test('a line whose safe level cannot be set is left to the shell, which sets it by itself', async () => {
  using stage = sysfsStage(512);
  const { holder, lost, pipe } = await held(stage);
  holder.set(1);
  rmSync(join(stage.root, 'gpio529'), { recursive: true });
  holder.set(0);
  expect(lost).toMatchObject([{ code: 'PORT_ABSENT' }]);
  expect([pipe.writableEnded, pipe.read()]).toEqual([true, null]);
});
