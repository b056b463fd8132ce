import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SlowFiles } from '../../daemon/buses/child/slow-files.ts';
import { systemClock } from '../../runtime/clock.ts';
import { runTool } from '../processes.ts';

const folder = mkdtempSync(join(tmpdir(), 'mooring-slow-'));
/** A pipe with nobody at its other end: whoever opens it to read waits. */
const pipe = join(folder, 'w1_slave');

beforeAll(async () => {
  await runTool('mkfifo', [pipe]);
  mkdirSync(join(folder, 'devices'));
  for (const name of ['28-02', '28-01']) writeFileSync(join(folder, 'devices', name), `t=${name}\n`);
});

afterAll(() => rmSync(folder, { recursive: true }));

test('files are read and folders listed in a process of their own, with the errors of the system', async () => {
  const files = new SlowFiles(systemClock);
  const read = [files.list(join(folder, 'devices')), files.read(join(folder, 'devices', '28-01'))];
  expect(await Promise.all(read)).toEqual([['28-01', '28-02'], 't=28-01\n']);
  await expect(files.read(join(folder, 'devices', '28-03'))).rejects.toMatchObject({ code: 'ENOENT' });
  await files.close();
});

test('a file that hangs holds those behind it, and the end lets all of them go', async () => {
  const files = new SlowFiles(systemClock);
  let answers = 0;
  const reads = [files.read(pipe), files.read(join(folder, 'devices', '28-01'))];
  const outcomes = Promise.allSettled(reads.map((read) => read.then(() => (answers += 1))));
  // Another one starts its process, and is served, meanwhile.
  const others = new SlowFiles(systemClock);
  expect(await others.read(join(folder, 'devices', '28-02'))).toBe('t=28-02\n');
  expect(answers).toBe(0);
  await Promise.all([files.close(), others.close()]);
  const codes = (await outcomes).map((outcome) => outcome.status === 'rejected' && outcome.reason.code);
  expect(codes).toEqual(['ECHILD', 'ECHILD']);
  await expect(files.read(pipe)).rejects.toMatchObject({ code: 'ECHILD' });
});
