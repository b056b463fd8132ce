import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MooringError } from './errors.ts';
import { readUdpKey } from './udp-key.ts';

const HEX = '00112233445566778899aabbccddeeff'.repeat(2);

let folder = '';
let path = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mooring-key-'));
  path = join(folder, 'plaka.key');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(text: string, mode = 0o600): void {
  writeFileSync(path, text);
  chmodSync(path, mode);
}

async function problem(): Promise<MooringError> {
  const error: unknown = await readUdpKey(path).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(MooringError);
  return error as MooringError;
}

test.each([HEX, `${HEX}\n`, `${HEX.toUpperCase()}\r\n`])('32 bytes in hex are a key: %j', async (text) => {
  write(text);
  expect(Buffer.from(await readUdpKey(path)).toString('hex')).toBe(HEX);
});

test.each([0o640, 0o604, 0o620, 0o666])('a key that others may use is refused: mode %o', async (mode) => {
  write(HEX, mode);
  expect(await problem()).toMatchObject({
    code: 'UDP_KEY_UNUSABLE',
    message: 'the UDP key may be used by others than its owner',
    context: { path },
    hint: expect.stringContaining(`chmod 600 ${path}`) as string,
  });
});

test.each([
  ['nothing', ''],
  ['a byte too few', HEX.slice(2)],
  ['a byte too many', `${HEX}00`],
  ['half a byte', HEX.slice(1)],
  ['no hex', HEX.replace('0', 'g')],
  ['a second line', `${HEX}\n${HEX}\n`],
  ['a long file', HEX.repeat(1000)],
])('what is no key is refused, and never shown: %s', async (_, text) => {
  write(text);
  const error = await problem();
  expect(error).toMatchObject({
    code: 'UDP_KEY_UNUSABLE',
    message: 'the UDP key does not hold 32 bytes in hex',
    hint: expect.stringContaining('openssl rand -hex 32') as string,
  });
  expect(JSON.stringify([error.message, error.context, error.hint])).not.toContain('2233');
});

test('a key that is not there, and a folder, are told as such', async () => {
  expect(await problem()).toMatchObject({ code: 'UDP_KEY_UNUSABLE', message: 'the UDP key is not there' });
  mkdirSync(path);
  expect(await problem()).toMatchObject({ code: 'UDP_KEY_UNUSABLE', message: 'the UDP key is no file' });
});
