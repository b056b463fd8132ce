import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Lines } from './lines.ts';

test('an offset has the place that counting line ends gives it', () => {
  const text = fc.string({ unit: fc.constantFrom('a', '\n', '\r', ' ') });
  fc.assert(
    fc.property(text, fc.nat(40), (value, offset) => {
      const before = value.slice(0, offset).split('\n');
      expect(new Lines(value).positionOf(offset)).toEqual({
        line: before.length,
        column: (before.at(-1) as string).length + 1,
      });
    }),
  );
});

test('a line comes without its end', () => {
  const lines = new Lines('a\r\nb\n\nc');
  expect([1, 2, 3, 4, 5].map((line) => lines.lineAt(line))).toEqual(['a', 'b', '', 'c', '']);
});
