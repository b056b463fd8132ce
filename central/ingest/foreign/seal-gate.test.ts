import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SteppedClock } from '../../../sim/clock.ts';
import { LogLines } from '../../../test/log-lines.ts';
import { eventually } from '../../../test/processes.ts';
import { sealed } from './seal.ts';
import { type Admitted, SealGate } from './seal-gate.ts';

const KEY = Buffer.alloc(32, 7);

let folder: string;
let clock: SteppedClock;
let lines: LogLines;
let gate: SealGate;

async function opened(): Promise<SealGate> {
  const [keyFile, memoryFile] = [join(folder, 'key'), join(folder, 'sequences', 'meteo.json')];
  const next = new SealGate({ source: 'meteo', keyFile, memoryFile, clock, log: lines });
  await next.open();
  return next;
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mooring-gate-'));
  writeFileSync(join(folder, 'key'), `${KEY.toString('hex')}\n`, { mode: 0o600 });
  clock = new SteppedClock();
  lines = new LogLines();
  gate = await opened();
});
afterEach(async () => {
  await gate.close();
  rmSync(folder, { recursive: true });
});

const bytesOf = (sequence: number, key: Uint8Array = KEY): Uint8Array =>
  sealed(key, { sender: 'buoy-1', sequence, message: Buffer.from('said') });
const admit = (sequence: number): Admitted => {
  const found = gate.admit(bytesOf(sequence), '192.0.2.1');
  if (typeof found === 'string') throw new Error(found);
  return found;
};

test('what is sealed is let through once, also while nobody knows yet what becomes of it', () => {
  const first = admit(5);
  expect(Buffer.from(first.message).toString()).toBe('said');
  expect(gate.admit(bytesOf(5), '192.0.2.1')).toBe('replayed');
  first.settle(true);
  expect(gate.admit(bytesOf(5), '192.0.2.1')).toBe('replayed');
  admit(500).settle(true);
  expect(gate.admit(bytesOf(6), '192.0.2.1')).toBe('older');
  expect(gate.admit(bytesOf(501, Buffer.alloc(32)), '192.0.2.1')).toBe('forged');
  expect(gate.admit(Buffer.from('{}'), '192.0.2.1')).toBe('forged');
  expect(gate.status()).toEqual({ refused: { forged: 2, replayed: 2, older: 1 }, senders: 1 });
  // Once a minute for each kind.
  expect(lines.said.filter((line) => line.startsWith('warn'))).toHaveLength(3);
});

test('what nobody has taken may come again', () => {
  admit(5).settle(false);
  admit(5).settle(true);
  expect(gate.admit(bytesOf(5), '192.0.2.1')).toBe('replayed');
});

test('what was taken is known after a restart: at once after a clean one, and some seconds later else', async () => {
  admit(5).settle(true);
  await gate.close();
  gate = await opened();
  expect(gate.admit(bytesOf(5), '192.0.2.1')).toBe('replayed');
  admit(6).settle(true);
  const before = await opened();
  expect(before.admit(bytesOf(6), '192.0.2.1')).toMatchObject({ sequence: 6 });
  await clock.advance(5000);
  await eventually('it is kept', 10_000, async () => (await opened()).admit(bytesOf(6), '') === 'replayed');
});

test('a key that others may read ends the start, in words that tell nothing of it', async () => {
  chmodSync(join(folder, 'key'), 0o640);
  const error = await opened().then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ code: 'UDP_KEY_UNUSABLE', context: { source: 'meteo' } });
  expect(JSON.stringify(error)).not.toContain('0707');
  expect(existsSync(join(folder, 'sequences'))).toBe(false);
});
