import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fineTemperature, pressureOf, type Trimming, temperatureOf, trimmingOf } from '../bmp280/compensation.ts';
import { type HumidityTrimming, humidityOf, humidityTrimmingOf } from './humidity.ts';

interface LinuxReadings {
  readonly registers: Readonly<Record<'0x88' | '0xa1' | '0xe1' | '0xf7', string>>;
  readonly temperature: number;
  readonly pressure: number;
  readonly humidity: number;
}

test('Linux reads the same from the same registers, but for the digits that its whole numbers drop', () => {
  const linux = JSON.parse(readFileSync(new URL('fixtures/linux.json', import.meta.url), 'utf8')) as LinuxReadings;
  const bytes = (from: keyof LinuxReadings['registers']): Buffer => Buffer.from(linux.registers[from], 'hex');
  const trimming = trimmingOf(bytes('0x88')) as Trimming;
  const data = bytes('0xf7');
  const fine = fineTemperature(data.readUIntBE(3, 3) >> 4, trimming);
  const h = humidityTrimmingOf(bytes('0xa1').readUInt8(0), bytes('0xe1'));
  expect(temperatureOf(fine)).toBeCloseTo(linux.temperature, 2);
  expect(Math.abs(pressureOf(data.readUIntBE(0, 3) >> 4, fine, trimming) - linux.pressure)).toBeLessThan(0.003);
  expect(Math.abs(humidityOf(data.readUInt16BE(6), fine, h) - linux.humidity)).toBeLessThan(0.008);
});

test('the words of twelve bits share a byte, and each has its own sign', () => {
  expect(humidityTrimmingOf(75, Buffer.from('7201001326031e', 'hex'))).toEqual([75, 370, 0, 310, 50, 30]);
  expect(humidityTrimmingOf(0, Buffer.from('7201007fff8080', 'hex'))).toEqual([0, 370, 0, 0x7ff, -2033, -128]);
  expect(humidityTrimmingOf(0, Buffer.from('7201008008ff00', 'hex'))).toEqual([0, 370, 0, -2040, -16, 0]);
});

const trimmings: fc.Arbitrary<HumidityTrimming> = fc.tuple(
  fc.integer({ min: 0, max: 120 }),
  fc.integer({ min: 300, max: 420 }),
  fc.integer({ min: 0, max: 10 }),
  fc.integer({ min: 250, max: 400 }),
  fc.integer({ min: -60, max: 60 }),
  fc.integer({ min: 0, max: 60 }),
);

describe("the data sheet's two formulas", () => {
  test('agree within its resolution over the range of the chip', () => {
    fc.assert(
      fc.property(
        trimmings,
        fc.integer({ min: 0x5000, max: 0xb000 }),
        fc.integer({ min: -40 * 5120, max: 85 * 5120 }),
        (trimming, raw, fine) => {
          expect(Math.abs(humidityOf(raw, fine, trimming) - wholeNumberHumidity(raw, fine, trimming))).toBeLessThan(
            0.05,
          );
        },
      ),
      { numRuns: 500 },
    );
  });

  test('end at 0 and 100 %', () => {
    const usual: HumidityTrimming = [75, 370, 0, 310, 50, 30];
    expect(humidityOf(1, 110_000, usual)).toBe(0);
    expect(humidityOf(0xfffe, 110_000, usual)).toBe(100);
  });
});

/** BST-BME280-DS002, section 4.2.3: the formula in 32-bit whole numbers, here as an oracle. */
function wholeNumberHumidity(raw: number, fine: number, [h1, h2, h3, h4, h5, h6]: HumidityTrimming): number {
  const v = fine - 76_800;
  const slope = ((((v * h6) >> 10) * (((v * h3) >> 11) + 32_768)) >> 10) + 2_097_152;
  const linear = (((raw << 14) - (h4 << 20) - h5 * v + 16_384) >> 15) * ((slope * h2 + 8192) >> 14);
  const bent = linear - (((((linear >> 15) * (linear >> 15)) >> 7) * h1) >> 4);
  return (Math.min(419_430_400, Math.max(0, bent)) >> 12) / 1024;
}
