import fc from 'fast-check';
import { expect, test } from 'vitest';
import { crc8, decodeWords, encodeWords } from './sensirion-words.ts';

/** SOURCE: the word is the example of every data sheet; the others are in those of the SCD4x (1.4, 3.6 ff.) and SGP30 (1.0). */
test.each([
  [0xbeef, 0x92],
  [0x01f4, 0x33],
  [0x6667, 0xa2],
  [0x5eb9, 0x3c],
  [0x0000, 0x81],
  [0xffff, 0xac],
])('the checksum of %i is that of the data sheets, %i', (word, crc) => {
  expect(crc8(Uint8Array.of(word >> 8, word & 0xff))).toBe(crc);
});

test('words survive the way over the wire', () => {
  const words = fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 20 });
  fc.assert(
    fc.property(words, (given) => {
      expect(decodeWords(encodeWords(given))).toEqual(given);
    }),
  );
});

test('one, two or three turned bits in a word are noticed, and so is a burst of up to eight', () => {
  const damage = fc.oneof(
    fc
      .uniqueArray(fc.integer({ min: 0, max: 23 }), { minLength: 1, maxLength: 3 })
      .map((bits) => bits.reduce((mask, bit) => mask | (1 << bit), 0)),
    fc.tuple(fc.integer({ min: 1, max: 0xff }), fc.integer({ min: 0, max: 16 })).map(([burst, at]) => burst << at),
  );
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 0xffff }), damage, (word, mask) => {
      const bytes = encodeWords([word]);
      bytes.writeUIntBE(bytes.readUIntBE(0, 3) ^ mask, 0, 3);
      expect(decodeWords(bytes)).toBeUndefined();
    }),
  );
});
