import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LineLimiter } from './line-limiter.ts';

const BYTES_MAX = 8;

function limit(chunks: readonly Uint8Array[]): string {
  const limiter = new LineLimiter(BYTES_MAX);
  for (const chunk of chunks) limiter.write(Buffer.from(chunk));
  return limiter.read()?.toString('latin1') ?? '';
}

test('lines within the limit pass as they are, and a longer one keeps one byte too many to be known by', () => {
  expect(limit([Buffer.from('12345678\n123456789abc\n\nx\n')])).toBe('12345678\n123456789\n\nx\n');
});

test('a line without an end does not grow, in however many pieces it comes', () => {
  expect(limit(Array.from({ length: 1000 }, () => Buffer.alloc(1000, 'z')))).toBe('zzzzzzzzz');
});

test('however the bytes are cut, what passes is each line cut to the limit plus one', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(0x0a, 0x0d, 0x24, 0x41, 0xff), { maxLength: 80 }),
      fc.array(fc.nat(20), { maxLength: 20 }),
      (bytes, cuts) => {
        const whole = Uint8Array.from(bytes);
        const chunks: Uint8Array[] = [];
        let at = 0;
        for (const cut of cuts) {
          chunks.push(whole.subarray(at, at + cut));
          at += cut;
        }
        chunks.push(whole.subarray(at));
        const expected = Buffer.from(whole)
          .toString('latin1')
          .split('\n')
          .map((line) => line.slice(0, BYTES_MAX + 1))
          .join('\n');
        expect(limit(chunks)).toBe(expected);
      },
    ),
  );
});
