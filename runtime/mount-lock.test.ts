import { closeSync, mkdtempSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { lockFile } from './lock.ts';
import { lockOnMount } from './mount-lock.ts';
import { flock } from './native.ts';

const LOCK_UN = 8;

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mooring-mount-lock-'));
  path = join(folder, 'lock');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('one holder at a time, also beside one that waits for no mount, and the next when it lets go', async () => {
  const first = await lockOnMount(path);
  expect(await first.state()).toBe('held');
  await expect(lockOnMount(path)).rejects.toMatchObject({ code: 'LOCK_HELD', context: { path } });
  expect(() => lockFile(path)).toThrow(expect.objectContaining({ code: 'LOCK_HELD' }));
  await first.release();
  await first.release();
  const second = await lockOnMount(path);
  expect([await first.state(), await second.state()]).toEqual(['gone', 'held']);
  await second.release();
  await expect(lockOnMount(join(folder, 'absent', 'lock'))).rejects.toMatchObject({ code: 'LOCK_FAILED' });
});

test('whose file was removed or replaced no longer has the lock, whether or not another has it', async () => {
  const removed = await lockOnMount(path);
  rmSync(path);
  expect(await removed.state()).toBe('removed');
  const next = await lockOnMount(path);
  expect([await removed.state(), await next.state()]).toEqual(['removed', 'held']);
  const other = join(folder, 'other');
  writeFileSync(other, '');
  renameSync(other, path);
  expect(await next.state()).toBe('removed');
  await removed.release();
  await next.release();
});

test('an open file that has lost its lock is noticed: another has it, or it is taken again', async () => {
  let descriptor = 0;
  const lock = await lockOnMount(path, async (...parameters) => {
    descriptor = openSync(...parameters);
    return descriptor;
  });
  flock(descriptor, LOCK_UN);
  const other = lockFile(path);
  expect(await lock.state()).toBe('taken');
  other.release();
  expect(await lock.state()).toBe('held');
  expect(() => lockFile(path)).toThrow(expect.objectContaining({ code: 'LOCK_HELD' }));
  closeSync(descriptor);
  expect(await lock.state()).toBe('gone');
});

test('a file that is removed while it is being locked is not taken for the lock', async () => {
  let opened = 0;
  const lock = await lockOnMount(path, async (...parameters) => {
    const descriptor = openSync(...parameters);
    opened += 1;
    if (opened < 3) rmSync(path);
    return descriptor;
  });
  expect(opened).toBe(3);
  expect(await lock.state()).toBe('held');
  await lock.release();
});
