import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { fineTemperature, pressureOf, type Trimming, temperatureOf, trimmingOf } from './compensation.ts';

interface WorkedExample {
  readonly dig_T: Trimming['t'];
  readonly dig_P: Trimming['p'];
  readonly adc_T: number;
  readonly adc_P: number;
  readonly t_fine: number;
  readonly temperature: number;
  readonly pressurePa: number;
}

const example = JSON.parse(
  readFileSync(new URL('fixtures/worked-example.json', import.meta.url), 'utf8'),
) as WorkedExample;
const trimming: Trimming = { t: example.dig_T, p: example.dig_P };

test("the data sheet's worked example comes out to its last digit", () => {
  const fine = fineTemperature(example.adc_T, trimming);
  expect(Math.trunc(fine)).toBe(example.t_fine);
  expect(temperatureOf(fine)).toBeCloseTo(example.temperature, 2);
  expect(100 * pressureOf(example.adc_P, fine, trimming)).toBeCloseTo(example.pressurePa, 2);
});

test('trimming words are little-endian, the first of each kind without a sign', () => {
  const bytes = Buffer.alloc(24);
  bytes.writeUInt16LE(0xfffe, 0);
  bytes.writeInt16LE(-2, 2);
  bytes.writeUInt16LE(0x8001, 6);
  bytes.writeInt16LE(-32_768, 22);
  expect(trimmingOf(bytes)).toEqual({ t: [0xfffe, -2, 0], p: [0x8001, 0, 0, 0, 0, 0, 0, 0, -32_768] });
});

test.each([0x00, 0xff])('bytes of nothing but %i are no trimming words', (byte) => {
  expect(trimmingOf(Buffer.alloc(24, byte))).toBeUndefined();
});
