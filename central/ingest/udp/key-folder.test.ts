import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SteppedClock } from '../../../sim/clock.ts';
import { LogLines } from '../../../test/log-lines.ts';
import { KeyFolder } from './key-folder.ts';

let parent: string;
let path: string;
let clock: SteppedClock;
let log: LogLines;
let keys: KeyFolder;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'mooring-keys-'));
  path = join(parent, 'keys');
  mkdirSync(path);
  clock = new SteppedClock();
  log = new LogLines();
  keys = new KeyFolder({ path, clock, log });
});
afterEach(async () => {
  await keys.settled();
  rmSync(parent, { recursive: true, force: true });
});

function write(name: string, byte: string, mode = 0o600): void {
  const file = join(path, name);
  rmSync(file, { force: true });
  writeFileSync(file, byte.repeat(32), { mode });
  chmodSync(file, mode);
}

const firstByte = (gateway: string): number | undefined => keys.keyOf(gateway)?.[0];

/** Asks, and asks again when the look at the folder that this has caused is over. */
async function afterALook(gateway: string): Promise<number | undefined> {
  keys.keyOf(gateway);
  await keys.settled();
  return firstByte(gateway);
}

test('gives each gateway the key that its file holds, and nobody else any', async () => {
  write('plaka.key', '01');
  write('buoy-7.key', '02');
  write('notes.txt', '03');
  write('Plaka.key', '04');
  writeFileSync(join(parent, 'outside.key'), '05'.repeat(32), { mode: 0o600 });
  await keys.open();
  expect([firstByte('plaka'), firstByte('buoy-7'), keys.size]).toEqual([1, 2, 2]);
  for (const name of ['notes', 'Plaka', '../outside', 'outside', '', '.', '__proto__', 'plaka.key', 'plaka\0']) {
    expect(firstByte(name)).toBeUndefined();
  }
});

test('notices within five seconds that a key was changed, added or taken away', async () => {
  write('plaka.key', '01');
  write('gone.key', '02');
  await keys.open();
  write('plaka.key', '03');
  write('later.key', '04');
  rmSync(join(path, 'gone.key'));
  await clock.advance(4900);
  expect(await afterALook('plaka')).toBe(1);
  await clock.advance(100);
  expect(await afterALook('plaka')).toBe(3);
  expect([firstByte('later'), firstByte('gone')]).toEqual([4, undefined]);
  expect(log.told.slice(2).toSorted()).toEqual([
    'info: a gateway has a UDP key',
    'info: the UDP key of a gateway is gone',
    'info: the UDP key of a gateway was changed',
  ]);
});

test('a gateway that is unknown, and a key in doubt, are looked for sooner, and never more than once a second', async () => {
  write('plaka.key', '01');
  await keys.open();
  write('plaka.key', '02');
  keys.doubt();
  expect(await afterALook('new')).toBeUndefined();
  expect(firstByte('plaka')).toBe(1);
  write('new.key', '03');
  await clock.advance(1000);
  expect(await afterALook('new')).toBe(3);
  expect(firstByte('plaka')).toBe(2);
});

test('a key that others may read, or that is none, keeps out its own gateway only, and is told once', async () => {
  write('plaka.key', '01');
  write('open.key', '02', 0o644);
  write('short.key', '0');
  await keys.open();
  expect([firstByte('plaka'), firstByte('open'), firstByte('short'), keys.size]).toEqual([1, undefined, undefined, 1]);
  await clock.advance(60_000);
  await afterALook('open');
  const refused = log.said.filter((line) => line === 'error: the UDP key of a gateway is not taken');
  expect(refused).toHaveLength(2);
  chmodSync(join(path, 'open.key'), 0o600);
  await clock.advance(1000);
  expect(await afterALook('open')).toBe(2);
});

test('a folder that is not there stops the start; one that vanishes later takes no key away', async () => {
  const absent = new KeyFolder({ path: join(parent, 'absent'), clock, log });
  await expect(absent.open()).rejects.toMatchObject({
    code: 'UDP_KEY_UNUSABLE',
    context: { path: join(parent, 'absent') },
  });
  write('plaka.key', '01');
  await keys.open();
  rmSync(path, { recursive: true });
  for (let times = 0; times < 3; times += 1) {
    await clock.advance(5000);
    expect(await afterALook('plaka')).toBe(1);
  }
  mkdirSync(path);
  await clock.advance(5000);
  expect(await afterALook('plaka')).toBeUndefined();
  const failures = log.said.filter((line) => line.startsWith('error'));
  expect(failures).toEqual(['error: the folder of UDP keys cannot be read: those that are known stay']);
});

test('says so when there is no key at all', async () => {
  await keys.open();
  expect(log.said).toEqual(['warn: no gateway has a UDP key yet']);
});
