import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProtocolError } from '../errors.ts';
import { BitReader } from './bit-reader.ts';
import { BitWriter, WIDTH_MAX } from './bit-writer.ts';
import { COLUMN_INTEGER_MAX, planIntegers, readIntegers } from './integer-column.ts';

const anyInteger = fc.oneof(
  fc.integer({ min: -300, max: 300 }),
  fc.integer({ min: -COLUMN_INTEGER_MAX, max: COLUMN_INTEGER_MAX }),
  fc.constantFrom(0, COLUMN_INTEGER_MAX, -COLUMN_INTEGER_MAX),
);

function bitsOf(values: readonly number[]): number {
  return planIntegers(values).bits;
}

describe('a column of integers', () => {
  it('comes back, in as many bits as its plan says', () => {
    fc.assert(
      fc.property(fc.array(anyInteger, { maxLength: 40 }), (values) => {
        const writer = new BitWriter();
        const plan = planIntegers(values);
        plan.write(writer);
        const bytes = writer.finish();
        expect(bytes.length).toBe(Math.ceil(plan.bits / 8));
        const reader = new BitReader(bytes);
        assert.deepStrictEqual([...readIntegers(reader, values.length)], values);
        reader.end();
      }),
      { numRuns: 3000 },
    );
  });

  const COUNT = 1000;
  const row = Array.from({ length: COUNT }, (_, index) => index);

  it('takes next to nothing when it is constant, or steady', () => {
    expect(bitsOf(row.map(() => 12_345))).toBeLessThan(32);
    expect(bitsOf(row.map((index) => 1_764_000_000_000 + 1000 * index))).toBeLessThan(80);
  });

  it('takes its width a value when it is even, and little more than that for one far value', () => {
    const even = row.map((index) => (index * 37) % 256);
    expect(bitsOf(even)).toBeLessThan(8 * COUNT + 40);
    expect(bitsOf([...even, 1_000_000])).toBeLessThan(9.2 * COUNT);
  });

  it('takes the width of its steps when it wanders', () => {
    const wandering = row.map((index) => Math.round(10_000 * Math.sin(index / 100)) + (index % 3));
    expect(bitsOf(wandering)).toBeLessThan(9 * COUNT);
  });

  it('is refused when it says what no writer says', () => {
    const tooWide = new BitWriter();
    tooWide.bits(0b001, 3);
    tooWide.signed(0);
    tooWide.bits(WIDTH_MAX + 1, 6);
    const tooLarge = new BitWriter();
    tooLarge.bits(0b000, 3);
    tooLarge.signed(COLUMN_INTEGER_MAX + 1);
    for (const writer of [tooWide, tooLarge]) {
      expect(() => readIntegers(new BitReader(writer.finish()), 2)).toThrow(ProtocolError);
    }
  });
});

describe('bits', () => {
  it('never run on in search of a one', () => {
    const reader = new BitReader(new Uint8Array(1000));
    expect(() => reader.unary(20)).toThrow('more than 20 zeros');
    expect(reader.bitsLeft).toBeGreaterThan(7900);
  });

  it('come back in any mixture of their forms', () => {
    const item = fc.oneof(
      fc.record({ form: fc.constant('count' as const), value: fc.nat(2 ** 24 - 1) }),
      fc.record({ form: fc.constant('number' as const), value: fc.maxSafeNat() }),
      fc.record({ form: fc.constant('unary' as const), value: fc.nat(100) }),
      fc.record({ form: fc.constant('float64' as const), value: fc.double({ noNaN: true }) }),
      fc.record({ form: fc.constant('signed' as const), value: fc.integer({ min: -(2 ** 52), max: 2 ** 52 - 1 }) }),
    );
    fc.assert(
      fc.property(fc.array(item), (items) => {
        const writer = new BitWriter();
        for (const { form, value } of items) writer[form](value);
        const reader = new BitReader(writer.finish());
        for (const { form, value } of items) assert(Object.is(reader[form](100), value), `${form} ${value}`);
        reader.end();
      }),
      { numRuns: 2000 },
    );
  });

  it('of every width up to 53 come back at every place in a byte', () => {
    for (let width = 0; width <= WIDTH_MAX; width += 1) {
      for (let offset = 0; offset < 8; offset += 1) {
        const value = width === 0 ? 0 : 2 ** (width - 1) + Math.floor(2 ** (width - 1) / 3);
        const writer = new BitWriter();
        writer.bits(0, offset);
        writer.bits(value, width);
        writer.bits(1, 1);
        const reader = new BitReader(writer.finish());
        expect([reader.bits(offset), reader.bits(width), reader.bits(1)]).toEqual([0, value, 1]);
      }
    }
  });
});
