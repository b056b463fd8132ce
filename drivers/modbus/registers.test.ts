import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { blocksOf, decode, type Field, ORDERS, type RegisterType, TYPES, widthOf } from './registers.ts';

interface Examples {
  readonly numbers: readonly {
    readonly type: RegisterType;
    readonly order: Field['order'];
    readonly words: readonly string[];
    readonly value: number;
  }[];
}

const { numbers } = JSON.parse(
  readFileSync(join(import.meta.dirname, 'fixtures', 'examples.json'), 'utf8'),
) as Examples;

test.each(numbers)('$type $order $words is $value', ({ type, order, words, value }) => {
  expect(
    decode(
      words.map((word) => Number.parseInt(word, 16)),
      { type, order },
    ),
  ).toBe(value);
});

const field = fc.record<Field>({
  kind: fc.constantFrom('holding', 'input'),
  register: fc.oneof(fc.nat(20), fc.nat(400)),
  type: fc.constantFrom(...TYPES),
  order: fc.constantFrom(...ORDERS),
});

test('every number is in exactly one request, whole; only registers that are asked for are read, 125 at the most', () => {
  fc.assert(
    fc.property(fc.array(field, { minLength: 1, maxLength: 60 }), (fields) => {
      const blocks = blocksOf(fields);
      expect(blocks.flatMap((block) => block.fields).length).toBe(fields.length);
      const wanted = new Set(
        fields.flatMap(({ kind, register, type }) =>
          Array.from({ length: widthOf(type) }, (_, at) => `${kind} ${register + at}`),
        ),
      );
      for (const { kind, register, count, fields: inside } of blocks) {
        expect(count).toBeLessThanOrEqual(125);
        for (let at = 0; at < count; at += 1) expect(wanted).toContain(`${kind} ${register + at}`);
        for (const each of inside) {
          expect(each.kind).toBe(kind);
          expect(each.register).toBeGreaterThanOrEqual(register);
          expect(each.register + widthOf(each.type)).toBeLessThanOrEqual(register + count);
        }
      }
      // As few as there can be: two neighbours of one kind are two only where they would be too long.
      for (const [index, block] of blocks.entries()) {
        const next = blocks[index + 1];
        if (next?.kind !== block.kind || next.register > block.register + block.count) continue;
        expect(next.register + 2 - block.register).toBeGreaterThan(124);
      }
    }),
  );
});
