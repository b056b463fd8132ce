import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { nodeDisk } from './disk.ts';

/** What is done to open files, in order; a power cut keeps nothing that is not here. */
let calls: string[];
let folder: string;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mooring-disk-'));
  const handle = await open(folder);
  const prototype = Object.getPrototypeOf(handle) as FileHandle;
  await handle.close();
  calls = [];
  for (const name of ['write', 'truncate', 'sync'] as const) {
    const method = prototype[name] as (...parameters: unknown[]) => Promise<unknown>;
    vi.spyOn(prototype, name).mockImplementation(async function (this: FileHandle, ...parameters: unknown[]) {
      const outcome = await method.apply(this, parameters);
      calls.push(name);
      return outcome as never;
    });
  }
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

test('a write is synced after its last byte, and before anybody hears of it', async () => {
  const path = join(folder, 'x');
  await nodeDisk.writeFrom(path, 0, Buffer.from('one\ntwo\n'));
  expect(calls).toEqual(['truncate', 'write', 'sync']);
  calls = [];
  await nodeDisk.writeFrom(path, 4, Buffer.from('three\n'));
  expect(calls).toEqual(['truncate', 'write', 'sync']);
  expect(readFileSync(path, 'utf8')).toBe('one\nthree\n');
});

test('a cut is synced too', async () => {
  const path = join(folder, 'x');
  await nodeDisk.writeFrom(path, 0, Buffer.from('one\ntwo\n'));
  calls = [];
  await nodeDisk.writeFrom(path, 4, Buffer.alloc(0));
  expect(calls).toEqual(['truncate', 'sync']);
  expect(readFileSync(path, 'utf8')).toBe('one\n');
});

test('the names in a folder are synced before anybody hears of it', async () => {
  await nodeDisk.syncFolder(folder);
  expect(calls).toEqual(['sync']);
});
