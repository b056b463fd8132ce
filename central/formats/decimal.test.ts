import { expect, test } from 'vitest';
import { decimalOf } from './decimal.ts';
import { LinesFormat } from './lines/lines.ts';
import { numberIn } from './mapping/value-rule.ts';

test.each([
  ['12', 12],
  ['-12.5', -12.5],
  ['+.5', 0.5],
  ['3.', 3],
  ['1e3', 1000],
  ['-0.0', 0],
  ['1e999', Number.POSITIVE_INFINITY],
])('%s is a number', (text, value) => {
  expect(decimalOf(text)).toBe(value);
});

test.each(['', '.', '1,5', '0x10', 'nan', ' 1', '1e', '1_000', '9'.repeat(65)])('%s is none', (text) => {
  expect(decimalOf(text)).toBeUndefined();
});

test('a very long text that nearly is a number is refused in no time', () => {
  const digits = `${'7'.repeat(65_000)}x`;
  const bytes = Buffer.from(`TH1|1577830500|${digits}`);
  const beganMs = performance.now();
  expect(() => new LinesFormat().parse({ bytes, topic: undefined })).toThrow('line 1 has a value that is no number');
  expect(numberIn(digits, '.')).toBeUndefined();
  expect(numberIn(digits, ',')).toBeUndefined();
  expect(performance.now() - beganMs).toBeLessThan(1000);
});
