import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CsvError, csvRows } from './csv.ts';

const cells = (text: string, separator?: string) => csvRows(text, separator).map((row) => row.cells);

test('fields in quotes hold separators, quotes and line ends; others are taken as they stand', () => {
  expect(cells('a,b\r\n"x, ""y""",\r\n"1\r\n2", 3 \n')).toEqual([
    ['a', 'b'],
    ['x, "y"', ''],
    ['1\r\n2', ' 3 '],
  ]);
});

test('a byte order mark, blank lines and a missing last line end are no fields', () => {
  expect(cells('\ufeffa,b\n\n1,2\n\r\n3,4')).toEqual([
    ['a', 'b'],
    ['1', '2'],
    ['3', '4'],
  ]);
  expect(cells('')).toEqual([]);
});

test('a row knows the line that it begins in, behind a field of several lines, too', () => {
  expect(csvRows('a\n"1\n2\n3"\n\nb\n').map(({ line }) => line)).toEqual([1, 2, 6]);
});

test('another separator may be of several characters', () => {
  expect(cells('a | "b | c" | d', ' | ')).toEqual([['a', 'b | c', 'd']]);
});

test.each([
  ['a\n"b', 2, 'a quote that is not closed'],
  ['a\nb"c', 2, 'a quote within a field that is not in quotes'],
  ['"a\nb"c', 2, 'text behind the quote that ends a field'],
])('%j is told with its line', (text, line, message) => {
  const error = thrownBy(() => csvRows(text));
  expect(error).toBeInstanceOf(CsvError);
  expect(error).toMatchObject({ line, message });
});

test('any table that is written down with quotes is read back', () => {
  const field = fc.string({ unit: fc.constantFrom('a', 'é', ',', '"', '\n', '\r\n', ' ', ';') });
  fc.assert(
    fc.property(fc.array(fc.array(field, { minLength: 2, maxLength: 4 }), { maxLength: 6 }), (table) => {
      const text = table.map((row) => row.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(',')).join('\r\n');
      expect(cells(text)).toEqual(table);
    }),
  );
});

function thrownBy(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  return undefined;
}
