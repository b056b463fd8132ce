import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test } from 'vitest';
import { ChildProcessCalls } from '../../daemon/buses/child/calls.ts';
import { systemClock } from '../../runtime/clock.ts';
import type { Order } from '../child-program.ts';
import { eventually, Programs } from '../processes.ts';

const WITHIN_MS = 10_000;
const program = new URL('../child-program.ts', import.meta.url);
const folder = mkdtempSync(join(tmpdir(), 'mooring-child-'));
const programs = new Programs();
let calls = new ChildProcessCalls({ program, clock: systemClock });

afterEach(async () => {
  await calls.end();
  calls = new ChildProcessCalls({ program, clock: systemClock });
  await programs.end();
});

afterAll(() => rmSync(folder, { recursive: true }));

const call = <Answer>(order: Order): Promise<Answer> => calls.call<Answer>(order);
const isThere = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

test('a child answers, and its errors keep the code of the system', async () => {
  await expect(call({ ask: 'echo', value: 1 })).rejects.toMatchObject({ code: 'ECHILD' });
  calls.start();
  expect(await call({ ask: 'echo', value: { a: [1, 'ä', null] } })).toEqual({ a: [1, 'ä', null] });
  await expect(call({ ask: 'read', path: join(folder, 'no-file') })).rejects.toMatchObject({ code: 'ENOENT' });
  await expect(call({ ask: 'read', path: folder })).rejects.toMatchObject({ code: 'EISDIR' });
  expect(await call({ ask: 'echo', value: 'still well' })).toBe('still well');
});

test('a child that ends in the middle of a call fails it, and another can be started', async () => {
  calls.start();
  const failed = expect(call({ ask: 'hang' })).rejects.toMatchObject({ code: 'ECHILD' });
  process.kill(calls.pid as number, 'SIGKILL');
  await failed;
  expect(calls.isRunning).toBe(false);
  calls.start();
  await expect(call({ ask: 'fault' })).rejects.toMatchObject({ code: 'ECHILD' });
  calls.start();
  expect(await call({ ask: 'echo', value: 1 })).toBe(1);
});

test('a child whose call hangs is ended all the same', async () => {
  calls.start();
  expect(await call({ ask: 'echo', value: 1 })).toBe(1);
  const pid = calls.pid as number;
  const failed = expect(call({ ask: 'hang' })).rejects.toMatchObject({ code: 'ECHILD' });
  await calls.end();
  await failed;
  await eventually('the child is gone', WITHIN_MS, () => !isThere(pid));
});

test('what stops the daemon does not stop its children: they end after it', async () => {
  calls.start();
  await call({ ask: 'echo', value: 1 });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.kill(calls.pid as number, signal);
  expect(await call({ ask: 'echo', value: 2 })).toBe(2);
});

test('a child ends with its parent, however that ends', async () => {
  const parent = programs.start({
    name: 'parent',
    command: process.execPath,
    args: [join(import.meta.dirname, '..', 'child-parent.ts')],
  });
  const { pid } = await parent.says('started', WITHIN_MS);
  expect(isThere(pid as number)).toBe(true);
  await parent.kill();
  await eventually('the child is gone', WITHIN_MS, () => !isThere(pid as number));
});
