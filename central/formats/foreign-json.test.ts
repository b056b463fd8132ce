import { expect, test } from 'vitest';
import { fieldOf, jsonOf, objectOf, sourceIdOf } from './foreign-json.ts';

const parse = (text: string) => jsonOf(Buffer.from(text));

test('-0 is 0 wherever it stands, and what looks like it stays', () => {
  const value = parse('{"a":-0,"b":[-0.0, -0],"c":"-0","d":-0.5,"e":"x,-0"}');
  expect(value).toEqual({ a: 0, b: [0, 0], c: '-0', d: -0.5, e: 'x,-0' });
});

test('a byte order mark is no part of the message', () => {
  expect(parse('\ufeff{"a":1}')).toEqual({ a: 1 });
});

test.each(['{"a":-0,', '{"a":'])('nesting that would exhaust the stack is refused, whatever is in it: %s', (start) => {
  expect(() =>
    parse(`${start}${start === '{"a":' ? '' : '"b":'}${'['.repeat(100_000)}${']'.repeat(100_000)}}`),
  ).toThrow(/more than 16 objects and lists/);
});

test('sixteen in one another are not too many', () => {
  expect(() => parse(`${'['.repeat(16)}${']'.repeat(16)}`)).not.toThrow();
  expect(() => parse(`${'['.repeat(17)}${']'.repeat(17)}`)).toThrow(/more than 16/);
});

test('what every object inherits is no field of it', () => {
  const object = objectOf(parse('{"__proto__":{"x":1}}'), '');
  expect(fieldOf(object, 'constructor')).toBeUndefined();
  expect(fieldOf(object, 'x')).toBeUndefined();
  expect(fieldOf(object, '__proto__')).toEqual({ x: 1 });
});

test.each([
  [7, '7'],
  [0, '0'],
  [' TH1 ', 'TH1'],
])('%s is the device %s', (value, name) => {
  expect(sourceIdOf(value, 'id')).toBe(name);
});

test.each([[1.5], [2 ** 53], [true], [{}], [''], [' ']])('%s is no name of a device', (value) => {
  expect(() => sourceIdOf(value, 'sensor_id')).toThrow(/^sensor_id is no name of a device/);
});
