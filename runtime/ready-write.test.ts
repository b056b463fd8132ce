import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createLog } from './log.ts';
import { writeIfReady } from './ready-write.ts';

const AGAIN = 3;

/** A pipe of which both ends are here, so that a write which waits would wait for ever. */
function pipe(): number {
  const folder = mkdtempSync(join(tmpdir(), 'mooring-pipe-'));
  const path = join(folder, 'pipe');
  execFileSync('mkfifo', [path]);
  const descriptor = openSync(path, 'r+');
  onTestFinished(() => {
    closeSync(descriptor);
    rmSync(folder, { recursive: true });
  });
  return descriptor;
}

test('a pipe that nobody reads takes what it has room for, then throws, and takes more when it was read', () => {
  const descriptor = pipe();
  const line = Buffer.from(`${'x'.repeat(999)}\n`);
  let written = 0;
  expect(() => {
    for (;;) written += writeIfReady(descriptor, line);
  }).toThrow('nobody reads');
  expect(written).toBeGreaterThan(10_000);
  const read = Buffer.alloc(2 * written);
  expect(readSync(descriptor, read)).toBe(written);
  expect(writeIfReady(descriptor, line)).toBe(1000);
});

test('a log that nobody reads holds up nobody, and says what was lost when it is read again', () => {
  const descriptor = pipe();
  const log = createLog('info', descriptor);
  for (let count = 0; count < 3000; count += 1) log.info({ count }, 'a line of some length, as there are many of them');
  const bytes = Buffer.alloc(2 ** 20);
  let read = readSync(descriptor, bytes);
  for (let again = 0; again < AGAIN; again += 1) {
    log.info({}, 'read again');
    read += readSync(descriptor, bytes.subarray(read));
  }
  const lines = bytes.toString('utf8', 0, read).trimEnd().split('\n');
  const messages = lines.map((line) => JSON.parse(line) as { readonly msg: string; readonly count?: number });
  expect(messages.slice(0, 100).map(({ count }) => count)).toEqual(Array.from({ length: 100 }, (_, index) => index));
  const told = messages.filter(({ msg }) => msg.startsWith('lines of the log were lost'));
  expect(told).toHaveLength(1);
  expect(messages.length - 1 + (told[0]?.count ?? 0)).toBe(3000 + AGAIN);
});
