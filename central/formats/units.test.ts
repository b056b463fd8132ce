import fc from 'fast-check';
import { expect, test } from 'vitest';
import { convert } from './units.ts';

test.each([
  [9, 'kn', 'm/s', 4.63],
  [5, 'kn', 'm/s', 2.5722],
  [1, 'kn', 'km/h', 1.852],
  [36, 'km/h', 'm/s', 10],
  [300, 'K', '°C', 26.85],
  [273.15, 'K', '°C', 0],
  [273.1500001, 'K', '°C', 1e-7],
  [98.6, '°F', '°C', 37],
  [20, '°F', '°C', -6.6667],
  [101_325, 'Pa', 'hPa', 1013.25],
  [1.013, 'bar', 'hPa', 1013],
  [3.4, 'V', 'mV', 3400],
  [1e-9, 'm', 'mm', 1e-6],
  [1.1, 'kg/m³', 'µg/m³', 1.1e9],
  [0, 'kn', 'm/s', 0],
])('%d %s in %s is %d', (value, from, to, expected) => {
  expect(convert(value, from, to)).toBe(expected);
});

test('what is in the unit already stays as it was written', () => {
  expect(convert(4.630000000000001, 'm/s', 'm.s-1')).toBe(4.630000000000001);
});

test('a value beyond all numbers stays so, for who asked to refuse it', () => {
  expect(convert(1.7e308, 'bar', 'Pa')).toBe(Number.POSITIVE_INFINITY);
});

const PAIRS = [
  ['kn', 'm/s', 1852 / 3600, 0],
  ['km/h', 'm/s', 1 / 3.6, 0],
  ['°F', '°C', 5 / 9, -160 / 9],
  ['K', '°C', 1, -273.15],
  ['Pa', 'hPa', 0.01, 0],
  ['V', 'mV', 1000, 0],
  ['min', 'h', 1 / 60, 0],
] as const;

const written = fc
  .tuple(fc.integer({ min: -999_999, max: 999_999 }), fc.integer({ min: 0, max: 4 }))
  .map(([whole, places]) => ({ value: Number(`${whole}e-${places}`), places }));

test('a converted value is near what it is, and has three places more than its last digit is worth', () => {
  fc.assert(
    fc.property(fc.constantFrom(...PAIRS), written, ([from, to, factor, offset], { value, places }) => {
      const converted = convert(value, from, to) as number;
      const step = 10 ** (Math.floor(Math.log10(factor) + 1e-9) - 3);
      // The value may end in zeros, which are not said: then it is rounded at a higher place.
      const said = value === 0 ? 0 : Math.min(places, (String(value).split('.')[1] ?? '').length);
      expect(Math.abs(converted - (value * factor + offset))).toBeLessThanOrEqual(step * 10 ** -said * 0.5001);
      const [, behind = ''] = converted.toString().includes('e') ? ['', ''] : converted.toString().split('.');
      expect(behind.length).toBeLessThanOrEqual(said - Math.log10(step) + 1e-6);
    }),
  );
});

test('there and back, rounded as it was said, a value is itself', () => {
  fc.assert(
    fc.property(fc.constantFrom(...PAIRS), written, ([from, to], { value, places }) => {
      const back = convert(convert(value, from, to) as number, to, from) as number;
      expect(Number(back.toFixed(places)) + 0).toBe(value + 0);
    }),
  );
});
