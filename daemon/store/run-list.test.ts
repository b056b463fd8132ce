import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { StoreFile } from './store-file.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mooring-runs-'));
  path = join(folder, 'store.db');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('each start lists its run beside the store, on a line of its own', () => {
  for (const start of [1, 2, 3]) {
    const salt = new Uint8Array(16).fill(start);
    new StoreFile({ path, gateway: 'plaka', forwarders: [], budgetBytes: 2 ** 20, salt }).close();
    if (start === 2) appendFileSync(`${path}.runs`, '3 pla');
  }
  expect(readFileSync(`${path}.runs`, 'utf8').split('\n')).toEqual([
    `1 plaka ${'01'.repeat(16)}`,
    `2 plaka ${'02'.repeat(16)}`,
    '3 pla',
    `3 plaka ${'03'.repeat(16)}`,
    '',
  ]);
});
