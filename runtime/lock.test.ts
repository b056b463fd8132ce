import { mkdtempSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { lockFile } from './lock.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mooring-lock-'));
  path = join(folder, 'lock');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('one holder at a time, and the next when it lets go', () => {
  const first = lockFile(path);
  expect(() => lockFile(path)).toThrow(expect.objectContaining({ code: 'LOCK_HELD' }));
  first.release();
  const second = lockFile(path);
  expect(second.isHeld()).toBe(true);
  second.release();
});

test('whose file was removed or replaced no longer holds the lock, whether or not another has it', () => {
  const removed = lockFile(path);
  expect(removed.isHeld()).toBe(true);
  rmSync(path);
  expect(removed.isHeld()).toBe(false);
  const next = lockFile(path);
  expect([removed.isHeld(), next.isHeld()]).toEqual([false, true]);
  const other = join(folder, 'other');
  writeFileSync(other, '');
  renameSync(other, path);
  expect(next.isHeld()).toBe(false);
  removed.release();
  next.release();
});

test('a file that is removed while it is being locked is not taken for the lock', () => {
  let opened = 0;
  const lock = lockFile(path, (...parameters) => {
    const descriptor = openSync(...parameters);
    opened += 1;
    if (opened < 3) rmSync(path);
    return descriptor;
  });
  expect(opened).toBe(3);
  expect(lock.isHeld()).toBe(true);
  lock.release();
});
