import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { angle, dayMs, eastward, isMeasured, number, position, positive, speed, timeOfDayMs, turn } from './fields.ts';

describe('a number', () => {
  test.each([
    ['12.3', 12.3],
    ['007', 7],
    ['046.', 46],
    ['.5', 0.5],
    ['-21.3', -21.3],
    ['+1.5', 1.5],
    ['-0.0', 0],
  ])('%s is %f', (field, value) => {
    expect(number(field)).toBe(value);
  });

  test.each([
    '',
    ' ',
    ' 1',
    '1 ',
    '1,5',
    '1e3',
    '0x10',
    'Infinity',
    'NaN',
    '--1',
    '1-',
    '1.2.3',
    '.',
    '-',
    '12345678901',
  ])('"%s" is none', (field) => {
    expect(number(field)).toBeUndefined();
  });

  test('that is not in the sentence is none', () => {
    expect(number(undefined)).toBeUndefined();
  });

  test('of a speed, a depth or a count is not negative, and an angle ends at 360', () => {
    expect([positive('-0.1'), positive('-0'), positive('3')]).toEqual([undefined, 0, 3]);
    expect([angle('360'), angle('360.1'), angle('-1')]).toEqual([360, undefined, undefined]);
  });
});

test('speeds become metres per second, exactly', () => {
  expect(speed('3600', 'N')).toBe(1852);
  expect(speed('36', 'K')).toBe(10);
  expect(speed('4.17', 'M')).toBe(4.17);
  expect(speed('3600', 'S')).toBeCloseTo(1609.344, 9);
  expect(speed('10', '')).toBeUndefined();
  expect(speed('10', 'X')).toBeUndefined();
});

test('angles turn into one circle', () => {
  expect([turn(360), turn(361.5), turn(-12), turn(-360), turn(720)]).toEqual([0, 1.5, 348, 0, 0]);
  fc.assert(
    fc.property(fc.double({ min: -1000, max: 1000, noNaN: true }), (degrees) => {
      const turned = turn(degrees);
      expect(turned >= 0 && turned <= 360 && !Object.is(turned, -0)).toBe(true);
    }),
  );
});

test('a variation is east or west, and nothing without its side', () => {
  expect(eastward(['7.1', 'E'], 0)).toBe(7.1);
  expect(eastward(['7.1', 'W'], 0)).toBe(-7.1);
  expect(Object.is(eastward(['0', 'W'], 0), 0)).toBe(true);
  expect(eastward(['7.1', ''], 0)).toBeUndefined();
  expect(eastward(['', 'W'], 0)).toBeUndefined();
  expect(eastward(['181', 'W'], 0)).toBeUndefined();
});

describe('a position', () => {
  test('is in degrees, to 1e-7, south and west negative', () => {
    expect(position(['4807.038', 'N', '01131.000', 'E'], 0)).toEqual({ lat: 48.1173, lon: 11.5166667 });
    expect(position(['3511.28000', 'S', '12311.12', 'W'], 0)).toEqual({ lat: -35.188, lon: -123.1853333 });
    expect(position(['0000.000', 'S', '00000.000', 'W'], 0)).toEqual({ lat: 0, lon: 0 });
    expect(position(['9000.000', 'N', '18000.000', 'E'], 0)).toEqual({ lat: 90, lon: 180 });
  });

  test.each([
    ['a latitude beyond the pole', ['9000.001', 'N', '01131.000', 'E']],
    ['a longitude beyond 180°', ['4807.038', 'N', '18000.001', 'E']],
    ['60 minutes', ['4860.000', 'N', '01131.000', 'E']],
    ['an empty side', ['4807.038', '', '01131.000', 'E']],
    ['the wrong side', ['4807.038', 'E', '01131.000', 'N']],
    ['a digit too few', ['807.038', 'N', '01131.000', 'E']],
    ['an empty longitude', ['4807.038', 'N', '', '']],
    ['nothing', []],
  ])('with %s is none', (_, fields) => {
    expect(position(fields, 0)).toBeUndefined();
  });
});

test('a time of day is read to the millisecond, and one that does not exist is none', () => {
  expect(timeOfDayMs('000000')).toBe(0);
  expect(timeOfDayMs('235959.999')).toBe(86_399_999);
  expect(timeOfDayMs('201530.00')).toBe(72_930_000);
  expect(timeOfDayMs('135302.036')).toBe(49_982_036);
  for (const none of ['', '240000', '126000', '123460', '12345', '1234567', '12:34:56']) {
    expect(timeOfDayMs(none), none).toBeUndefined();
  }
});

test('a day that does not exist is none', () => {
  expect(dayMs(2024, 2, 29)).toBe(Date.UTC(2024, 1, 29));
  expect(dayMs(2023, 2, 29)).toBeUndefined();
  expect(dayMs(2023, 13, 1)).toBeUndefined();
  expect(dayMs(2023, 1, 0)).toBeUndefined();
  expect(dayMs(0, 1, 1)).toBeUndefined();
});

test('only modes that are measurements count, and an old talker has none', () => {
  expect([undefined, '', 'A', 'D', 'F', 'R', 'P'].map(isMeasured)).not.toContain(false);
  expect(['N', 'E', 'M', 'S', 'x'].map(isMeasured)).not.toContain(true);
});
