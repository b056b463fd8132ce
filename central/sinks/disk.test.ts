import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { nodeDisk } from './disk.ts';

/** What was done to open files, in order; a power cut keeps nothing that is not here. */
let calls: string[];
/** What a sync does at its end. */
let onSynced: () => Promise<void>;
let folder: string;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mooring-disk-'));
  const handle = await open(folder);
  const prototype = Object.getPrototypeOf(handle) as FileHandle;
  await handle.close();
  calls = [];
  onSynced = async () => undefined;
  for (const name of ['write', 'truncate', 'sync'] as const) {
    const method = prototype[name] as (...parameters: unknown[]) => Promise<unknown>;
    vi.spyOn(prototype, name).mockImplementation(async function (this: FileHandle, ...parameters: unknown[]) {
      const outcome = await method.apply(this, parameters);
      if (name === 'sync') await onSynced();
      calls.push(name);
      return outcome as never;
    });
  }
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

test('a write is synced after its last byte', async () => {
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

test('the end of a file is copied whole, however long, and synced', async () => {
  const path = join(folder, 'x');
  await nodeDisk.writeFrom(path, 0, Buffer.alloc(300_000, 'abc'));
  calls = [];
  await nodeDisk.copyFrom(path, 100_001, join(folder, 'y'));
  expect(readFileSync(join(folder, 'y'), 'utf8')).toBe('abc'.repeat(100_000).slice(100_001));
  expect(calls.at(-1)).toBe('sync');
  expect(readFileSync(path)).toHaveLength(300_000);
});

test('the names in a folder are synced', async () => {
  await nodeDisk.syncFolder(folder);
  expect(calls).toEqual(['sync']);
});

test('nobody hears of a write, or of names, before the sync has ended', async () => {
  for (const work of [
    () => nodeDisk.writeFrom(join(folder, 'x'), 0, Buffer.from('one\n')),
    () => nodeDisk.syncFolder(folder),
  ]) {
    const synced = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    onSynced = () => {
      synced.resolve();
      return gate.promise;
    };
    let isDone = false;
    const done = work().then(() => {
      isDone = true;
    });
    await synced.promise;
    for (let others = 0; others < 20; others += 1) await nodeDisk.list(folder);
    expect(isDone).toBe(false);
    gate.resolve();
    await done;
  }
});
