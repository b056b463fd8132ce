import { readFileSync } from 'node:fs';
import { beforeEach, describe, expect, test } from 'vitest';
import { Ina219Chip } from '../../sim/chips/ina219.ts';
import { ChipStand } from '../../test/chip-stand.ts';
import { ina219 } from './ina219.ts';

interface Example {
  readonly shuntOhms: number;
  readonly voltage: number;
  readonly current: number;
  readonly registers: Readonly<Record<'shunt' | 'bus' | 'calibration' | 'current' | 'power', string>>;
}

const example = JSON.parse(readFileSync(new URL('fixtures/example.json', import.meta.url), 'utf8')) as Example;
const { signal } = new AbortController();

let stand: ChipStand;
const chipWith = (shuntOhms = 0.1): Ina219Chip =>
  stand.attach(new Ina219Chip({ clock: stand.clock, truth: stand.truth, shuntOhms }));

const BUS_VOLTAGE = 2;
const CURRENT = 4;

/** Has what is read of one register changed on the wire. */
function onRead(chip: Ina219Chip, register: number, change: (word: number) => number): void {
  const { read, write } = chip;
  let pointer = 0;
  chip.write = (bytes) => {
    [pointer = 0] = bytes;
    write.call(chip, bytes);
  };
  chip.read = (length) => {
    const answer = Buffer.from(read.call(chip, length));
    if (pointer === register) answer.writeUInt16BE(change(answer.readUInt16BE(0)), 0);
    return answer;
  };
}

beforeEach(() => {
  stand = new ChipStand();
  stand.truths = { battery_voltage: 12, battery_current: 1 };
});

describe("the data sheet's example", () => {
  test('is what the model has in its registers', async () => {
    const chip = chipWith(example.shuntOhms);
    stand.truths = { battery_voltage: example.voltage, battery_current: example.current };
    chip.write(Buffer.from(`05${example.registers.calibration}`, 'hex'));
    await stand.clock.advance(2);
    const word = (register: number): string => {
      chip.write(Uint8Array.of(register));
      return Buffer.from(chip.read(2)).toString('hex');
    };
    expect([word(1), word(4), word(3)]).toEqual([
      example.registers.shunt,
      example.registers.current,
      example.registers.power,
    ]);
    expect(Number.parseInt(word(2), 16) >> 3).toBe(Number.parseInt(example.registers.bus, 16) >> 3);
  });

  test('is what the driver reads, with a calibration of its own', async () => {
    chipWith(example.shuntOhms);
    stand.truths = { battery_voltage: example.voltage, battery_current: example.current };
    const { metrics } = await stand.sample(await stand.opened(ina219, { shunt_ohms: example.shuntOhms }));
    expect(metrics.battery_voltage).toBeCloseTo(example.voltage, 9);
    expect(metrics.battery_current).toBeCloseTo(example.current, 9);
  });
});

test.each([
  [1, 1.172],
  [32, 37.504],
  [128, 150.016],
])('with %i conversions for a value a sample is there after %f ms', async (samples, ms) => {
  chipWith();
  const sensor = await stand.opened(ina219, { samples });
  let isThere = false;
  const sampled = sensor.sample(signal).then(() => {
    isThere = true;
  });
  await stand.clock.advance(ms - 0.01);
  expect(isThere).toBe(false);
  await stand.clock.advance(0.02);
  await sampled;
});

test('a current that flows into the battery is negative', async () => {
  chipWith();
  stand.truths = { battery_voltage: 14.1, battery_current: -2.5 };
  const { metrics } = await stand.sample(await stand.opened(ina219));
  expect(metrics.battery_current).toBeCloseTo(-2.5, 9);
});

describe('at the end of a converter', () => {
  test('the value is missing and the other is not', async () => {
    chipWith();
    const sensor = await stand.opened(ina219);
    stand.truths = { battery_voltage: 12, battery_current: 3.2 };
    expect(await stand.sample(sensor)).toEqual({ metrics: { battery_voltage: 12 }, missing: ['battery_current'] });
    stand.truths = { battery_voltage: 32, battery_current: -1 };
    expect(await stand.sample(sensor)).toEqual({ metrics: { battery_current: -1 }, missing: ['battery_voltage'] });
  });

  test('a current that the chip could not calculate is missing', async () => {
    const chip = chipWith();
    const sensor = await stand.opened(ina219);
    onRead(chip, BUS_VOLTAGE, (word) => word | 1);
    expect(await stand.sample(sensor)).toEqual({ metrics: { battery_voltage: 12 }, missing: ['battery_current'] });
  });

  test.each([
    ['bus voltage', BUS_VOLTAGE, 0xffff],
    ['current', CURRENT, 0x8000],
    ['current', CURRENT, 0x7fff],
  ])('a %s that it cannot have measured is damaged', async (_, register, word) => {
    const chip = chipWith();
    const sensor = await stand.opened(ina219);
    onRead(chip, register, () => word);
    await expect(stand.sample(sensor)).rejects.toMatchObject({ code: 'READING_DAMAGED', retry: 'now' });
  });
});

describe('without power for a moment', () => {
  test('it is set up again in the same sample, which gives no current of 0', async () => {
    const chip = chipWith();
    const sensor = await stand.opened(ina219);
    chip.powerCycle();
    const before = await stand.sample(sensor);
    const sampled = sensor.sample(signal);
    await stand.clock.advance(20);
    chip.powerCycle();
    const during = await stand.within(100, sampled);
    for (const { metrics } of [before, during]) expect(metrics.battery_current).toBeCloseTo(1, 9);
  });

  test('again and again, it says so', async () => {
    const chip = chipWith();
    const sensor = await stand.opened(ina219);
    for (let ms = 10; ms < 200; ms += 10) stand.clock.after(ms, () => chip.powerCycle());
    await expect(stand.sample(sensor)).rejects.toMatchObject({ code: 'SENSOR_FAILED' });
  });
});

describe('another chip at its address', () => {
  test('is not written to', async () => {
    const written: number[] = [];
    stand.attach({
      address: 0x40,
      write: (bytes) => void (bytes.length > 1 && written.push(...bytes)),
      read: () => Uint8Array.of(0x41, 0x27),
    });
    await expect(stand.opened(ina219)).rejects.toMatchObject({ code: 'SENSOR_UNKNOWN', context: { config: '0x4127' } });
    expect(written).toEqual([]);
  });

  test('is not taken for it because its first register looks alike', async () => {
    stand.attach({ address: 0x40, write: () => undefined, read: () => Uint8Array.of(0x00, 0x10) });
    await expect(stand.opened(ina219)).rejects.toMatchObject({ code: 'SENSOR_UNKNOWN' });
  });
});

test('a scan knows it after power-on and as it was left, and nothing else', async () => {
  const chip = chipWith();
  const device = await stand.device(0x40);
  const isThere = async (): Promise<boolean | undefined> => await ina219.i2c?.isThere?.(device, signal);
  expect(await isThere()).toBe(true);
  const sensor = await stand.opened(ina219);
  await stand.sample(sensor);
  expect(await isThere()).toBe(true);
  chip.write(Uint8Array.of(5, 0, 0));
  expect(await isThere()).toBe(false);
  stand.attach({ address: 0x40, write: () => undefined, read: () => Uint8Array.of(0x41, 0x27) });
  expect(await isThere()).toBe(false);
});
