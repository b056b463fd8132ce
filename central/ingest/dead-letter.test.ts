import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runIdOf } from '../../protocol/ids.ts';
import { systemClock } from '../../runtime/clock.ts';
import { silentLog } from '../../runtime/log.ts';
import { saltOf } from '../../test/batches.ts';
import { nodeDisk } from '../sinks/disk.ts';
import { type DeadLetter, DeadLetterFiles } from './dead-letter.ts';

const RUN = runIdOf('plaka', saltOf(1));
const NOON = Date.UTC(2026, 1, 1, 12);
const DAY_MS = 86_400_000;
const never = new AbortController().signal;

let folder: string;
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'mooring-dead-')), 'deadletter');
});
afterEach(() => rmSync(join(folder, '..'), { recursive: true, force: true }));

const letterOf = (sequence: number, more: Partial<DeadLetter> = {}): DeadLetter => ({
  code: 'metric_type',
  reason: 'door_open is a boolean, and came as a text',
  gateway: 'plaka',
  run: RUN,
  sequence,
  receivedAtMs: NOON,
  json: JSON.stringify({ id: `${RUN}-${sequence}`, note: 'line\nbreak "and" quotes' }),
  ...more,
});

async function opened(options: { disk?: typeof nodeDisk } = {}): Promise<DeadLetterFiles> {
  const files = new DeadLetterFiles({ folder, clock: systemClock, log: silentLog, ...options });
  await files.open(never);
  return files;
}

const linesOf = (file: string): unknown[] =>
  readFileSync(join(folder, file), 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as unknown);

test('a letter is one line that says everything, in the file of the day on which it came', async () => {
  const files = await opened();
  await files.append([letterOf(7), letterOf(8, { receivedAtMs: NOON + DAY_MS })]);
  expect(linesOf('2026-02-01.ndjson')).toEqual([
    {
      reason: 'door_open is a boolean, and came as a text',
      code: 'metric_type',
      gateway: 'plaka',
      run: RUN,
      sequence: 7,
      received_at: '2026-02-01T12:00:00.000Z',
      record: { id: `${RUN}-7`, note: 'line\nbreak "and" quotes' },
    },
  ]);
  expect(linesOf('2026-02-02.ndjson')).toMatchObject([{ sequence: 8 }]);
  await files.close();
});

test('the record stays whole however large it is, the reason does not', async () => {
  const files = await opened();
  const note = 'x'.repeat(400_000);
  await files.append([letterOf(1, { code: 'too_large', json: JSON.stringify({ note }), reason: 'y'.repeat(10_000) })]);
  const [line] = linesOf('2026-02-01.ndjson') as { reason: string; record: { note: string } }[];
  expect(line?.record.note).toBe(note);
  expect(line?.reason).toHaveLength(200);
  await files.close();
});

test('a record that is refused again, in another batch or after a restart, stands there once', async () => {
  const files = await opened();
  await files.append([letterOf(1), letterOf(2)]);
  await files.append([letterOf(2), letterOf(3)]);
  await files.close();
  const again = await opened();
  await again.append([letterOf(3, { receivedAtMs: NOON + DAY_MS }), letterOf(4)]);
  await again.close();
  expect(linesOf('2026-02-01.ndjson')).toMatchObject([1, 2, 3, 4].map((sequence) => ({ sequence })));
});

test('half a line that a kill has left is gone after the next start', async () => {
  const files = await opened();
  await files.append([letterOf(1)]);
  await files.close();
  appendFileSync(join(folder, '2026-02-01.ndjson'), '{"reason": "half a li');
  const again = await opened();
  await again.append([letterOf(2)]);
  await again.close();
  expect(linesOf('2026-02-01.ndjson')).toMatchObject([{ sequence: 1 }, { sequence: 2 }]);
});

/** The disk of this machine, which is full while `fate.isFull`. */
function fullDisk(): { fate: { isFull: boolean }; disk: typeof nodeDisk } {
  const fate = { isFull: true };
  const disk: typeof nodeDisk = {
    ...nodeDisk,
    writeFrom(path, from, data) {
      const full = Object.assign(new Error('no space'), { code: 'ENOSPC', syscall: 'write', path });
      return fate.isFull ? Promise.reject(full) : nodeDisk.writeFrom(path, from, data);
    },
  };
  return { fate, disk };
}

test('a letter that could not be written is no letter, and can be tried again', async () => {
  const { fate, disk } = fullDisk();
  fate.isFull = false;
  const files = await opened({ disk });
  fate.isFull = true;
  await expect(files.append([letterOf(1)])).rejects.toMatchObject({
    code: 'SINK_FAILED',
    context: { reason: 'ENOSPC' },
  });
  fate.isFull = false;
  await files.append([letterOf(1)]);
  expect(linesOf('2026-02-01.ndjson')).toMatchObject([{ sequence: 1 }]);
  await files.close();
});

test('it opens on a full disk, and takes letters once there is room', async () => {
  const { fate, disk } = fullDisk();
  const files = await opened({ disk });
  const refused = await Promise.allSettled([files.append([letterOf(1)]), files.append([letterOf(2)])]);
  expect(refused).toMatchObject([1, 2].map(() => ({ status: 'rejected', reason: { code: 'SINK_FAILED' } })));
  fate.isFull = false;
  await Promise.all([files.append([letterOf(1)]), files.append([letterOf(2)])]);
  expect(linesOf('2026-02-01.ndjson')).toMatchObject([{ sequence: 1 }, { sequence: 2 }]);
  await files.close();
});

test('a place that is unfit is refused at once, and so is an append that has to open it while all is closing', async () => {
  const { disk } = fullDisk();
  const unfit = { ...disk, syncFolder: () => Promise.reject(new Error('no folders are synced here')) };
  await expect(opened({ disk: { ...unfit, writeFrom: nodeDisk.writeFrom } })).rejects.toMatchObject({
    code: 'SINK_MOUNT_UNFIT',
  });
  const closing = new AbortController();
  const files = new DeadLetterFiles({ folder, clock: systemClock, log: silentLog, disk });
  await files.open(closing.signal);
  closing.abort();
  await expect(files.append([letterOf(1)])).rejects.toMatchObject({ code: 'SINK_FAILED' });
  await files.close();
});
