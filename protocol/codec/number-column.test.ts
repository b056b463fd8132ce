import assert from 'node:assert/strict';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { anyNumber } from '../../test/protocol/records.ts';
import { BitReader } from './bit-reader.ts';
import { BitWriter } from './bit-writer.ts';
import { readNumbers, writeNumbers } from './number-column.ts';

/** A column as written: its bytes, and the most that one value takes as JSON. */
function written(values: readonly number[]): { bytes: Uint8Array; jsonBytes: number } {
  const writer = new BitWriter();
  const jsonBytes = writeNumbers(writer, values);
  return { bytes: writer.finish(), jsonBytes };
}

it('gives numbers back bit for bit, and never says that they take less JSON than they do', () => {
  fc.assert(
    fc.property(fc.array(anyNumber, { minLength: 1, maxLength: 20 }), (values) => {
      const { bytes, jsonBytes } = written(values);
      const read = readNumbers(new BitReader(bytes), values.length);
      assert.deepStrictEqual([...read.values], values);
      expect(read.jsonBytes).toBe(jsonBytes);
      expect(jsonBytes).toBeGreaterThanOrEqual(Math.max(...values.map((value) => JSON.stringify(value).length)));
    }),
    { numRuns: 5000 },
  );
});

it('counts digits, point and sign of the longest', () => {
  expect([[0], [9], [10], [-99_999, 5], [0.05], [1.5, 1013.25]].map((values) => written(values).jsonBytes)).toEqual([
    1, 1, 2, 6, 4, 7,
  ]);
});

it('writes decimals as integers, and as float64 what would not come back', () => {
  const decimals = Array.from({ length: 100 }, (_, index) => 20 + index / 100);
  expect(written(decimals).bytes.length).toBeLessThan(15);
  expect(written(decimals.map((value) => value + Math.PI / 1e9)).bytes.length).toBeGreaterThan(800);
  expect(written([2 ** 60, 0.5]).bytes.length).toBe(17);
});
