import { readFileSync } from 'node:fs';
import { beforeEach, describe, expect, test } from 'vitest';
import { Sht3xChip } from '../../sim/chips/sht3x.ts';
import { Sht4xChip } from '../../sim/chips/sht4x.ts';
import { ChipStand } from '../../test/chip-stand.ts';
import { sht4x } from './sht4x.ts';

interface Fixture {
  readonly measure: string;
  readonly serial: string;
  readonly reset: string;
  readonly heater: string;
  readonly examples: readonly { readonly answer: string; readonly temperature: number; readonly humidity: number }[];
  readonly impossible: readonly string[];
}

const fixture = JSON.parse(readFileSync(new URL('fixtures/conversion.json', import.meta.url), 'utf8')) as Fixture;
const { signal } = new AbortController();
const MISSING = { metrics: {}, missing: ['temperature', 'humidity'] };
const HOUR_MS = 3_600_000;

let stand: ChipStand;
let chip: Sht4xChip;
let written: string[];

beforeEach(() => {
  stand = new ChipStand();
  stand.truths = { temperature: 21.5, humidity: 60 };
  chip = stand.attach(new Sht4xChip(stand));
  written = [];
  const { write } = chip;
  chip.write = (bytes) => {
    written.push(Buffer.from(bytes).toString('hex'));
    write.call(chip, bytes);
  };
});

/** From now on the chip answers measurements with these bytes. */
function answers(hex: string): void {
  chip.read = () => Buffer.from(hex.replaceAll(' ', ''), 'hex');
}

describe('by the bytes', () => {
  test('it asks for the serial number, resets, and measures, with the codes of the data sheet', async () => {
    const sensor = await stand.opened(sht4x);
    await stand.sample(sensor);
    expect(new Set(written)).toEqual(new Set([fixture.serial, fixture.reset, fixture.measure]));
  });

  test.each(fixture.examples)('$answer are $temperature °C and $humidity %', async ({ answer, ...values }) => {
    const sensor = await stand.opened(sht4x);
    answers(answer);
    const { metrics } = await stand.sample(sensor);
    expect(metrics.temperature).toBeCloseTo(values.temperature, 3);
    expect(metrics.humidity).toBeCloseTo(values.humidity, 3);
  });

  test.each(fixture.impossible)('%s, a temperature that it cannot have, is no value of either', async (answer) => {
    const sensor = await stand.opened(sht4x);
    answers(answer);
    expect(await stand.sample(sensor)).toEqual(MISSING);
  });

  test('a value that came with a wrong checksum is damaged, and the next is right', async () => {
    const sensor = await stand.opened(sht4x);
    chip.hasBadCrc = true;
    await expect(stand.sample(sensor)).rejects.toMatchObject({ code: 'READING_DAMAGED', retry: 'now' });
    chip.hasBadCrc = false;
    expect((await stand.sample(sensor)).metrics.temperature).toBeCloseTo(21.5, 2);
  });
});

test('an element that is stuck, or has drifted, is believed: only its neighbours can tell', async () => {
  const sensor = await stand.opened(sht4x);
  chip.drift.temperature = 1;
  expect((await stand.sample(sensor)).metrics.temperature).toBeCloseTo(22.5, 2);
  chip.stuck.humidity = 0x8000;
  expect((await stand.sample(sensor)).metrics.humidity).toBeCloseTo(56.5, 2);
});

describe('the heater', () => {
  test('is off unless it is asked for', async () => {
    const sensor = await stand.opened(sht4x);
    for (let hour = 0; hour < 24; hour += 1) {
      await stand.clock.advance(HOUR_MS);
      await stand.sample(sensor);
    }
    expect(written).not.toContain(fixture.heater);
  });

  test('warms the chip each time; while it is warm there is no value, and never a wrong one', async () => {
    const sensor = await stand.opened(sht4x, { heater: '10m' });
    const gaps: number[] = [];
    for (let second = 0; second < 1500; second += 5) {
      const { metrics, missing } = await stand.within(5000, sensor.sample(signal));
      if (missing !== undefined) gaps.push(second);
      if (metrics.temperature === undefined) continue;
      expect(metrics.temperature).toBeCloseTo(21.5, 1);
      expect(metrics.humidity).toBeCloseTo(60, 1);
    }
    expect(written.filter((each) => each === fixture.heater)).toHaveLength(2);
    // A pulse and a minute, twice, in steps of five seconds.
    expect(gaps.length).toBeGreaterThanOrEqual(2 * 12);
    expect(gaps.length).toBeLessThanOrEqual(2 * 15);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(595);
  });

  test('a chip that was warmed is warm after its sensor was opened again, too', async () => {
    const sensor = await stand.opened(sht4x, { heater: '10m' });
    await stand.clock.advance(600_000);
    expect(await stand.sample(sensor)).toEqual(MISSING);
    await stand.clock.advance(2000);
    await stand.within(1000, sensor.open(signal));
    expect(await stand.sample(sensor)).toEqual(MISSING);
    await stand.clock.advance(60_000);
    expect((await stand.sample(sensor)).metrics.temperature).toBeCloseTo(21.5, 1);
  });

  test('more often than each ten minutes is refused, for the life of the chip', () => {
    expect(sht4x.options.safeParse({ heater: '5m' }).success).toBe(false);
  });
});

test('a scan finds it, and takes no SHT3x for it', async () => {
  const device = await stand.device(0x44);
  const isThere = async () =>
    await stand.within(100, sht4x.i2c?.isThere?.(device, signal) ?? Promise.reject(new Error()));
  expect(await isThere()).toBe(true);
  stand.bus.attach(new Sht3xChip(stand));
  expect(await isThere()).toBe(false);
  stand.bus.trouble(0x44, 'nack');
  expect(await isThere()).toBe(false);
  stand.bus.trouble(0x44, 'timeout');
  await expect(isThere()).rejects.toMatchObject({ code: 'BUS_FAILED' });
});
