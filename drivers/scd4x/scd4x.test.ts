import { readFileSync } from 'node:fs';
import { beforeEach, describe, expect, test } from 'vitest';
import { Scd4xChip } from '../../sim/chips/scd4x.ts';
import { ChipStand } from '../../test/chip-stand.ts';
import type { PolledSensor, Reading } from '../driver.ts';
import { scd4x } from './scd4x.ts';

interface Fixture {
  readonly read: {
    readonly answer: string;
    readonly co2: number;
    readonly temperature: number;
    readonly humidity: number;
  };
  readonly serial: { readonly answer: string };
  readonly settings: Readonly<Record<string, { readonly value: number | boolean; readonly bytes: string }>>;
  readonly notReady: string;
  readonly ready: string;
}

const fixture = JSON.parse(readFileSync(new URL('fixtures/examples.json', import.meta.url), 'utf8')) as Fixture;
const { signal } = new AbortController();

let stand: ChipStand;
let chip: Scd4xChip;
let written: string[];

beforeEach(() => {
  stand = new ChipStand();
  stand.truths = { co2: 640, temperature: 21.5, humidity: 43.2 };
  use(new Scd4xChip(stand));
});

function use(other: Scd4xChip): void {
  chip = stand.attach(other);
  written = [];
  const { write } = chip;
  chip.write = (bytes) => {
    written.push(Buffer.from(bytes).toString('hex'));
    write.call(chip, bytes);
  };
}

const packed = (hex: string): string => hex.replaceAll(' ', '');

/** What a sample each second gives. */
async function eachSecond(sensor: PolledSensor, seconds: number): Promise<Reading[]> {
  const readings: Reading[] = [];
  for (let second = 0; second < seconds; second += 1) readings.push(await stand.within(1000, sensor.sample(signal)));
  return readings;
}

describe('by the bytes', () => {
  test('the example of a measurement is what the data sheet says', async () => {
    const sensor = await stand.opened(scd4x);
    const { read } = chip;
    chip.read = (length) => (length === 9 ? Buffer.from(packed(fixture.read.answer), 'hex') : read.call(chip, length));
    const { metrics } = (await eachSecond(sensor, 6)).find((each) => Object.keys(each.metrics).length > 0) as Reading;
    expect(metrics.co2).toBe(fixture.read.co2);
    expect(metrics.temperature).toBeCloseTo(fixture.read.temperature, 3);
    expect(metrics.humidity).toBeCloseTo(fixture.read.humidity, 3);
  });

  test.each(Object.entries(fixture.settings))('%s is written as in the example', async (key, { value, bytes }) => {
    await stand.opened(scd4x, { [key]: value });
    expect(written).toContain(packed(bytes));
  });

  test('the model answers as in the examples', async () => {
    const ask = async (command: string, length: number): Promise<string> => {
      chip.write(Buffer.from(command, 'hex'));
      await stand.clock.advance(2);
      return Buffer.from(chip.read(length)).toString('hex');
    };
    expect(await ask('3682', 9)).toBe(packed(fixture.serial.answer));
    expect(await ask('e4b8', 3)).toBe(packed(fixture.notReady));
    chip.write(Buffer.from('21b1', 'hex'));
    await stand.clock.advance(5000);
    expect(await ask('e4b8', 3)).toBe(packed(fixture.ready));
  });

  test('settings that are left out are the chip’s own business', async () => {
    await stand.opened(scd4x);
    for (const { bytes } of Object.values(fixture.settings)) {
      expect(written.join(' ')).not.toContain(packed(bytes).slice(0, 4));
    }
  });
});

test('each value is given once, every five seconds; in between there is none, and none is missing', async () => {
  const sensor = await stand.opened(scd4x);
  const readings = await eachSecond(sensor, 31);
  const seconds = readings.flatMap(({ metrics }, second) => (metrics.co2 === undefined ? [] : [second]));
  expect(seconds.length).toBe(6);
  expect(seconds[0]).toBeLessThanOrEqual(5);
  for (const reading of readings) expect(reading.missing).toBeUndefined();
  const values = readings.filter(({ metrics }) => metrics.co2 !== undefined);
  for (const { metrics } of values) expect(metrics).toMatchObject({ co2: 640 });
});

test('one that another program has started is stopped first, and started with our settings', async () => {
  chip.write(Buffer.from('21b1', 'hex'));
  await stand.clock.advance(20_000);
  const sensor = await stand.opened(scd4x, { self_calibration: false });
  expect(chip.isMeasuring).toBe(true);
  expect(chip.hasSelfCalibration).toBe(false);
  expect((await eachSecond(sensor, 6)).some(({ metrics }) => metrics.co2 === 640)).toBe(true);
});

test('one of the first years, which does not know its variant, is one of them', async () => {
  use(new Scd4xChip({ ...stand, variant: undefined }));
  const sensor = await stand.opened(scd4x);
  expect((await eachSecond(sensor, 6)).some(({ metrics }) => metrics.co2 === 640)).toBe(true);
});

test('one that had no power has failed after three periods without a value, and works when it is opened again', async () => {
  const sensor = await stand.opened(scd4x);
  await eachSecond(sensor, 6);
  chip.powerCycle();
  const startMs = stand.clock.monotonicMs();
  await stand.clock.advance(100);
  await expect(eachSecond(sensor, 20)).rejects.toMatchObject({ code: 'SENSOR_FAILED', retry: 'later' });
  expect(stand.clock.monotonicMs() - startMs).toBeLessThan(17_000);
  await stand.within(1000, sensor.open(signal));
  expect((await eachSecond(sensor, 6)).some(({ metrics }) => metrics.co2 === 640)).toBe(true);
});

test('0 ppm, which is what a measurement that failed gives, is missing; the others are there', async () => {
  const sensor = await stand.opened(scd4x);
  chip.stuck.co2 = 0;
  const reading = (await eachSecond(sensor, 6)).find(({ missing }) => missing !== undefined);
  expect(reading?.missing).toEqual(['co2']);
  expect(reading?.metrics.temperature).toBeCloseTo(21.5, 2);
});

describe('made up for the site', () => {
  const co2With = async (options: object): Promise<number> => {
    use(new Scd4xChip({ ...stand, pressureHpa: 898.7 }));
    const sensor = await stand.opened(scd4x, options);
    return (await eachSecond(sensor, 6)).find(({ metrics }) => metrics.co2 !== undefined)?.metrics.co2 as number;
  };

  test('without altitude or pressure CO₂ is 11 % too low at 1000 m', async () => {
    expect((await co2With({})) / 640).toBeCloseTo(0.887, 2);
  });

  test('with either it is right, and pressure counts more', async () => {
    expect(await co2With({ altitude: 1000 })).toBeCloseTo(640, -1);
    expect(await co2With({ ambient_pressure: 898.7 })).toBeCloseTo(640, -1);
    expect(await co2With({ ambient_pressure: 898.7, altitude: 0 })).toBeCloseTo(640, -1);
  });

  test('a chip in a warm housing gives the air’s temperature and humidity with its offset', async () => {
    use(new Scd4xChip({ ...stand, excess: 7 }));
    const sensor = await stand.opened(scd4x, { temperature_offset: 7 });
    const { metrics } = (await eachSecond(sensor, 6)).find((each) => each.metrics.co2 !== undefined) as Reading;
    expect(metrics.temperature).toBeCloseTo(21.5, 2);
    expect(metrics.humidity).toBeCloseTo(43.2, 1);
  });
});

test('a scan finds it, also while it measures, and stops nothing', async () => {
  const device = await stand.device(0x62);
  const isThere = async () =>
    await stand.within(100, scd4x.i2c?.isThere?.(device, signal) ?? Promise.reject(new Error()));
  expect(await isThere()).toBe(true);
  chip.write(Buffer.from('21b1', 'hex'));
  expect(await isThere()).toBe(true);
  expect(chip.isMeasuring).toBe(true);
  chip.hasBadCrc = true;
  expect(await isThere()).toBe(false);
});
