import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FORMATS, fieldsOf, type LineFormat, withoutChecksum } from './line-format.ts';

interface Example {
  readonly line: string;
  readonly separator?: string;
  readonly fields: Readonly<Record<string, unknown>> | null;
}

type Fixture = Readonly<Record<LineFormat, readonly Example[]>> & {
  readonly checksums: readonly { readonly line: string; readonly body: string | null }[];
};

const fixture = JSON.parse(readFileSync(join(import.meta.dirname, 'fixtures', 'lines.json'), 'utf8')) as Fixture;

describe.each(FORMATS)('%s', (format) => {
  test.each(fixture[format])('$line', ({ line, separator = ',', fields }) => {
    const found = fieldsOf(line, format, separator);
    expect(found === undefined ? null : Object.fromEntries(found)).toEqual(fields);
  });

  test('whatever a line says, a number is finite, and nothing is thrown', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), fc.stringMatching(/^[\d.,=:+\-eEnaif "{}]*$/)), (line) => {
        for (const field of fieldsOf(line, format, ',')?.values() ?? []) {
          expect(typeof field === 'number' ? Number.isFinite(field) || Math.abs(field) === Infinity : true).toBe(true);
          expect(Number.isNaN(field)).toBe(false);
        }
      }),
    );
  });
});

test('what is printed with any number of decimals is read again', () => {
  fc.assert(
    fc.property(fc.double({ min: -1e6, max: 1e6, noNaN: true }), fc.integer({ min: 0, max: 10 }), (value, decimals) => {
      const printed = value.toFixed(decimals);
      expect(fieldsOf(`x,${printed}`, 'csv', ',')?.get('2')).toBe(Number(printed));
    }),
  );
});

test('digits that nearly are a number are read in no time', () => {
  const beganMs = performance.now();
  expect(fieldsOf(`${'7'.repeat(65_000)}x`, 'csv', ',')?.get('1')).toBe('text');
  expect(performance.now() - beganMs).toBeLessThan(1000);
});

test.each(fixture.checksums)('$line', ({ line, body }) => {
  expect(withoutChecksum(line) ?? null).toBe(body);
});
