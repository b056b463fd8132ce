import { expect, test } from 'vitest';
import { gpioLine, parseLine } from './gpio-line.ts';

test('a line is its name, or the label of its chip and the offset', () => {
  expect(parseLine('GPIO17')).toEqual({ kind: 'name', name: 'GPIO17' });
  expect(parseLine('SD CLK')).toEqual({ kind: 'name', name: 'SD CLK' });
  expect(parseLine('PMIC/INT')).toEqual({ kind: 'name', name: 'PMIC/INT' });
  expect(parseLine('pinctrl-bcm2711/17')).toEqual({ kind: 'offset', label: 'pinctrl-bcm2711', offset: 17 });
  expect(parseLine('gpio-brcmstb@107d508500/3')).toEqual({
    kind: 'offset',
    label: 'gpio-brcmstb@107d508500',
    offset: 3,
  });
});

test.each([
  '17',
  '529',
  'gpiochip0/17',
  'gpiochip4',
  '',
  ' GPIO17',
  'GPIO17\n',
  '/17',
  '/dev/gpiochip0/17',
  'x'.repeat(32),
])('a number, and what depends on a number, is no name: %j', (text) => {
  expect(parseLine(text)).toBeUndefined();
  expect(gpioLine().safeParse(text).success).toBe(false);
});

test('the configuration says why a number is refused', () => {
  const said = (value: unknown): string | undefined => gpioLine().safeParse(value).error?.issues[0]?.message;
  expect(said(17)).toBe('is a bare number, which is another line on another kernel');
  expect(said('17')).toBe('is a bare number, which is another line on another kernel');
  expect(said('gpiochip0/17')).toBe('names its chip by number, which is another chip on another kernel');
  expect(said('')).toBe('is not the name of a GPIO line');
  expect(gpioLine().parse('GPIO17')).toBe('GPIO17');
});
