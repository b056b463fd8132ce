/** The pseudo-terminal that other tests stand on. */
import { closeSync, existsSync, mkdtempSync, openSync, readlinkSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { openPty } from '../pty.ts';

/** Reads what is there, without waiting. */
function readAvailable(descriptor: number): Buffer {
  const chunk = Buffer.alloc(65_536);
  try {
    return chunk.subarray(0, readSync(descriptor, chunk));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return Buffer.alloc(0);
    throw error;
  }
}

const O_RDWR_NONBLOCK_NOCTTY = 2 | 0o4000 | 0o400;

test('a reader that comes late and reads slowly gets every byte, and the event loop runs on meanwhile', async () => {
  const pty = openPty();
  const sent = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 7) % 251));
  let isWritten = false;
  const writing = pty.write(sent).then((isWhole) => {
    isWritten = true;
    return isWhole;
  });
  let longestMs = 0;
  for (let turn = 0; turn < 20; turn += 1) {
    const beginMs = performance.now();
    await sleep(5);
    longestMs = Math.max(longestMs, performance.now() - beginMs);
  }
  expect(isWritten, 'the kernel does not hold so much').toBe(false);
  expect(longestMs).toBeLessThan(1000);
  const descriptor = openSync(pty.path, O_RDWR_NONBLOCK_NOCTTY);
  const received: Buffer[] = [];
  for (let bytes = 0; bytes < sent.length; await sleep(1)) {
    const chunk = readAvailable(descriptor);
    received.push(chunk);
    bytes += chunk.length;
  }
  expect(await writing).toBe(true);
  expect(Buffer.concat(received).equals(sent)).toBe(true);
  closeSync(descriptor);
  pty.close();
});

test('closing it ends a write that waits for room', async () => {
  const pty = openPty();
  const writing = pty.write(Buffer.alloc(300_000, 'x'));
  await sleep(20);
  pty.close();
  expect(await writing).toBe(false);
  expect(await pty.write('late'), 'and later ones').toBe(false);
});

test('what nobody has read can be thrown away', async () => {
  const pty = openPty();
  await pty.write('old\n');
  pty.discard();
  await pty.write('new\n');
  const descriptor = openSync(pty.path, O_RDWR_NONBLOCK_NOCTTY);
  await expect.poll(() => readAvailable(descriptor).toString()).toBe('new\n');
  closeSync(descriptor);
  pty.close();
});

test('its link stays while a new one takes it over, and goes with the last', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mooring-pty-'));
  const link = join(folder, 'usb-gps');
  const before = openPty({ link });
  expect(readlinkSync(link)).toBe(before.device);
  const after = openPty({ link });
  before.close();
  expect(readlinkSync(link)).toBe(after.device);
  after.close();
  after.close();
  expect(existsSync(link)).toBe(false);
  rmSync(folder, { recursive: true });
});
