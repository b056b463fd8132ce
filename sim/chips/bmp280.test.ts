import { readFileSync } from 'node:fs';
import { beforeEach, describe, expect, test } from 'vitest';
import { SteppedClock } from '../clock.ts';
import { Bmp280Chip } from './bmp280.ts';

const fixture = new URL('../../drivers/bmp280/fixtures/worked-example.json', import.meta.url);
const example = JSON.parse(readFileSync(fixture, 'utf8')) as Readonly<
  Record<'adc_T' | 'adc_P' | 'temperature' | 'pressurePa' | 't_fine', number>
>;

let clock: SteppedClock;
let chip: Bmp280Chip;
const registers = (from: number, length: number): Buffer => {
  chip.write(Uint8Array.of(from));
  return Buffer.from(chip.read(length));
};

beforeEach(() => {
  clock = new SteppedClock();
  const truths: Record<string, number> = {
    temperature: (example.t_fine + 0.287) / 5120,
    pressure: example.pressurePa / 100,
  };
  chip = new Bmp280Chip({ clock, truth: (quantity) => truths[quantity] ?? Number.NaN });
});

describe('the modelled chip', () => {
  test("in the air of the data sheet's worked example has its values in the registers", async () => {
    chip.write(Uint8Array.of(0xf4, 0b101_101_01));
    await clock.advance(100);
    const data = registers(0xf7, 6);
    expect(data.readUIntBE(3, 3) >> 4).toBe(example.adc_T);
    expect(Math.abs((data.readUIntBE(0, 3) >> 4) - example.adc_P)).toBeLessThanOrEqual(1);
  });

  test('measures when it is told to and sleeps again, its old values in the registers until it has done', async () => {
    expect(registers(0xf7, 6).toString('hex')).toBe('800000800000');
    chip.write(Uint8Array.of(0xf4, 0b001_001_01));
    await clock.advance(5.4);
    expect(registers(0xf3, 2).toString('hex')).toBe('0825');
    expect(registers(0xf7, 6).toString('hex')).toBe('800000800000');
    await clock.advance(0.1);
    expect(registers(0xf3, 2).toString('hex')).toBe('0024');
    expect(registers(0xf7, 6).toString('hex')).not.toBe('800000800000');
  });

  test('without oversampling has 16 bits that mean something', async () => {
    chip.write(Uint8Array.of(0xf4, 0b001_001_01));
    await clock.advance(10);
    const data = registers(0xf7, 6);
    expect([(data.readUIntBE(0, 3) >> 4) & 0xf, (data.readUIntBE(3, 3) >> 4) & 0xf]).toEqual([0, 0]);
  });

  test('skips what it is not asked for', async () => {
    chip.write(Uint8Array.of(0xf4, 0b001_000_01));
    await clock.advance(10);
    expect(registers(0xf7, 3).toString('hex')).toBe('800000');
    expect(registers(0xfa, 3).toString('hex')).not.toBe('800000');
  });

  test('in normal mode ignores what is written to its filter, and a reset ends it', async () => {
    chip.write(Uint8Array.of(0xf4, 0b001_001_11, 0xf5, 0xa0));
    expect(registers(0xf5, 1).toString('hex')).toBe('00');
    chip.write(Uint8Array.of(0xe0, 0xb6));
    expect(() => chip.read(1)).toThrow('no acknowledgement');
    await clock.advance(2);
    expect(registers(0xf4, 1).toString('hex')).toBe('00');
  });
});
