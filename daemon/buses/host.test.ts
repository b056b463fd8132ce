import { execFileSync } from 'node:child_process';
import { constants, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { HostSystem } from '../../drivers/driver.ts';
import { SteppedClock } from '../../sim/clock.ts';
import { LogLines } from '../../test/log-lines.ts';
import { hostSystem } from './host.ts';

const never = new AbortController().signal;
const node = process.execPath;

let folder: string;
let clock: SteppedClock;
let log: LogLines;
let host: HostSystem;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mooring-host-'));
  clock = new SteppedClock();
  log = new LogLines();
  host = hostSystem({ clock, log });
});

afterEach(() => rmSync(folder, { recursive: true }));

/** A file that nobody can read before somebody writes it: the read keeps a thread meanwhile. */
function hangingFile(name: string): string {
  const path = join(folder, name);
  execFileSync('mkfifo', [path]);
  return path;
}

async function letGo(path: string): Promise<void> {
  await (await open(path, constants.O_WRONLY | constants.O_NONBLOCK)).close();
}

describe('files', () => {
  test('come without white space at their ends, folders in order', async () => {
    writeFileSync(join(folder, 'temp'), ' 48312\n');
    mkdirSync(join(folder, 'b'));
    expect(await host.read(join(folder, 'temp'), never)).toBe('48312');
    expect(await host.list(folder, never)).toEqual(['b', 'temp']);
  });

  test('of this machine can be read', async () => {
    expect(await host.read('/proc/uptime', never)).toMatch(/^\d+\.\d+ \d+\.\d+$/);
    const { freeBytes, totalBytes } = await host.space(folder, never);
    expect(freeBytes).toBeGreaterThan(0);
    expect(totalBytes).toBeGreaterThanOrEqual(freeBytes);
  });

  test('that are not there are PORT_ABSENT, and what is no file SENSOR_FAILED', async () => {
    const path = join(folder, 'none');
    await expect(host.read(path, never)).rejects.toMatchObject({ code: 'PORT_ABSENT', context: { path } });
    await expect(host.list(path, never)).rejects.toMatchObject({ code: 'PORT_ABSENT' });
    await expect(host.space(path, never)).rejects.toMatchObject({ code: 'PORT_ABSENT' });
    await expect(host.read(folder, never)).rejects.toMatchObject({ code: 'SENSOR_FAILED' });
  });

  test('that do not answer keep two threads at the most, are not asked again before they have, and say so', async () => {
    const paths = ['a', 'b', 'c'].map(hangingFile);
    const [a, b] = paths as [string, string];
    const reads = paths.map((path) => host.read(path, never).catch((error: unknown) => error));
    await clock.advance(2000);
    const codes = (await Promise.all(reads)).map((error) => (error as { code: string }).code);
    expect(codes).toEqual(['DEADLINE', 'DEADLINE', 'BUS_STUCK']);
    // The daemon's own files have threads left.
    expect(await readFile('/proc/uptime', 'utf8')).not.toBe('');
    await expect(host.read('/proc/uptime', never)).rejects.toMatchObject({ code: 'BUS_STUCK' });
    await letGo(a);
    await expect.poll(() => log.said.filter((line) => line.startsWith('info'))).toHaveLength(1);
    expect(await host.read('/proc/uptime', never)).not.toBe('');
    await expect(host.read(b, never)).rejects.toMatchObject({ code: 'BUS_STUCK', context: { path: b } });
    await letGo(b);
    await expect.poll(() => log.said.filter((line) => line.startsWith('info'))).toHaveLength(2);
    writeFileSync(join(folder, 'd'), 'well');
    expect(await host.read(join(folder, 'd'), never)).toBe('well');
    expect(log.said[0]).toBe('warn: a file of this machine does not answer');
  });

  test('of which one hangs keep one thread, however often it is asked, by whoever gives up before', async () => {
    const path = hangingFile('a');
    writeFileSync(join(folder, 'd'), 'well');
    const off = new AbortController();
    const reads = [host.read(path, off.signal), host.read(path, never)].map((read) => read.catch(() => undefined));
    await clock.advance(1000);
    off.abort(new Error('given up'));
    reads.push(host.read(path, never).catch(() => undefined));
    await clock.advance(4000);
    await Promise.all(reads);
    expect(await host.read(join(folder, 'd'), never)).toBe('well');
    expect(log.said).toEqual(['warn: a file of this machine does not answer']);
    await letGo(path);
    await expect.poll(() => log.said).toHaveLength(2);
  });

  test('that are no longer wanted are not waited for', async () => {
    const path = hangingFile('a');
    const off = new AbortController();
    const read = expect(host.read(path, off.signal)).rejects.toThrow('given up');
    await clock.advance(10);
    off.abort(new Error('given up'));
    await read;
    await letGo(path);
    await expect(host.read(path, off.signal)).rejects.toThrow('given up');
  });
});

describe('a program', () => {
  test('is asked, and says what it prints', async () => {
    expect(await host.run(node, ['-p', '6 * 7'], never)).toBe('42\n');
  });

  test('that is not there is PORT_ABSENT, one that fails SENSOR_FAILED with what it complained of', async () => {
    await expect(host.run('no-such-program', [], never)).rejects.toMatchObject({ code: 'PORT_ABSENT' });
    const failing = host.run(node, ['-e', 'console.error("no modem"); process.exit(3)'], never);
    await expect(failing).rejects.toMatchObject({
      code: 'SENSOR_FAILED',
      context: { program: node, said: 'no modem' },
    });
  });

  test('that does not end is ended after five seconds, and when it is no longer wanted', async () => {
    const late = expect(host.run('sleep', ['60'], never)).rejects.toMatchObject({ code: 'DEADLINE' });
    await clock.advance(5000);
    await late;
    const off = new AbortController();
    const given = expect(host.run('sleep', ['60'], off.signal)).rejects.toThrow('given up');
    await clock.advance(10);
    off.abort(new Error('given up'));
    await given;
    expect(clock.pendingTimers).toBe(0);
  });
});

test('the clock is off by some number of seconds, or follows none', () => {
  expect(host.clockOffsetS() ?? 0).toBeTypeOf('number');
});
