import { expect, test } from 'vitest';
import { sealed, unsealed } from './seal.ts';

/** The key of RFC 4231 section 4.2, filled up to 32 bytes. */
const KEY = Buffer.alloc(32, 0x0b);
const message = Buffer.from('{"sensor_id":1,"temperature":0}');

test('the bytes are those that docs/formats.md shows', () => {
  const bytes = Buffer.from(sealed(KEY, { sender: 'buoy-1', sequence: 42, message }));
  // printf 'm1 buoy-1 42 {"sensor_id":1,"temperature":0}' | openssl dgst -sha256 -mac HMAC -macopt hexkey:0b0b…
  expect(bytes.toString()).toBe(
    'm1 buoy-1 42 9aacc80a474529045a5e981bd6ef30ed2af648b9286ca5ef3843beee1fe94767 {"sensor_id":1,"temperature":0}',
  );
});

test('what was sealed is unsealed, whatever bytes it has', () => {
  for (const content of [message, Buffer.alloc(0), Buffer.from([0, 255, 10, 32])]) {
    for (const sequence of [1, 42, Number.MAX_SAFE_INTEGER]) {
      const said = { sender: 'a'.repeat(63), sequence, message: content };
      const found = unsealed(KEY, sealed(KEY, said));
      expect(found && { ...found, message: Buffer.from(found.message) }).toEqual(said);
    }
  }
});

test('no bit of it can be turned, and another key opens nothing', () => {
  const bytes = Buffer.from(sealed(KEY, { sender: 'buoy-1', sequence: 42, message }));
  for (let bit = 0; bit < bytes.length * 8; bit += 1) {
    const turned = Buffer.from(bytes);
    turned[bit >> 3] = (turned[bit >> 3] as number) ^ (1 << (bit & 7));
    expect(unsealed(KEY, turned), `bit ${bit}`).toBeUndefined();
  }
  expect(unsealed(Buffer.alloc(32, 0x0c), bytes)).toBeUndefined();
});

test('what is no head is none: no sequence 0, with a zero before it, or beyond what a number holds, and no other letters', () => {
  const bytes = Buffer.from(sealed(KEY, { sender: 'buoy-1', sequence: 42, message })).toString();
  for (const [from, to] of [
    [' 42 ', ' 042 '],
    [' 42 ', ' 0 '],
    [' 42 ', ' 9007199254740993 '],
    ['m1', 'm2'],
    ['buoy-1', 'buoy 1'],
    ['buoy-1', 'b'.repeat(64)],
  ] as const) {
    expect(unsealed(KEY, Buffer.from(bytes.replace(from, to))), to).toBeUndefined();
  }
  for (const text of ['', ' ', '{"sensor_id":1}', bytes.slice(0, 60)])
    expect(unsealed(KEY, Buffer.from(text))).toBeUndefined();
});
