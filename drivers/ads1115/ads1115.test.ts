import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { MooringError } from '../../runtime/errors.ts';
import { Ads1115Chip } from '../../sim/chips/ads1115.ts';
import { ChipStand } from '../../test/chip-stand.ts';
import { ads1115 } from './ads1115.ts';

interface OutputCodes {
  readonly fullScale: number;
  readonly codes: readonly { readonly code: string; readonly voltage: number | 'beyond' }[];
  readonly steps: Readonly<Record<string, number>>;
  readonly quickStart: string;
}

const sheet = JSON.parse(readFileSync(new URL('fixtures/output-codes.json', import.meta.url), 'utf8')) as OutputCodes;
const { signal } = new AbortController();
const metric = 'noise_level';

let stand: ChipStand;
const chipWith = (supplyV = 5.5): Ads1115Chip =>
  stand.attach(new Ads1115Chip({ clock: stand.clock, truth: stand.truth, supplyV }));

beforeEach(() => {
  stand = new ChipStand();
  stand.truths = { input_0: 1, input_1: 0.5, input_2: 2.5, input_3: 0.25 };
});

describe("the data sheet's output codes", () => {
  test.each(sheet.codes)('$code is $voltage', async ({ code, voltage }) => {
    const chip = chipWith();
    chip.stuck = Number.parseInt(code, 16);
    const sensor = await stand.opened(ads1115, { channel: '0-1', metric, full_scale: sheet.fullScale });
    const expected = voltage === 'beyond' ? { metrics: {}, missing: [metric] } : { metrics: { [metric]: voltage } };
    expect(await stand.sample(sensor)).toEqual(expected);
  });

  test.each(Object.entries(sheet.steps))('at a full scale of %s V a step is %f V', async (fullScale, stepV) => {
    const chip = chipWith();
    chip.stuck = 1;
    const options = { channel: 0, metric, full_scale: Number(fullScale) };
    const { metrics } = await stand.sample(await stand.opened(ads1115, options));
    expect(metrics[metric]).toBeCloseTo(stepV, 12);
    expect(ads1115.metrics(ads1115.options.parse(options))[0]?.resolution).toBeCloseTo(stepV, 12);
  });

  test('its quick start makes the model convert again and again', async () => {
    const chip = chipWith();
    chip.write(Buffer.from(sheet.quickStart, 'hex'));
    for (const volts of [0.5, -0.25]) {
      stand.truths = { input_0: 1, input_1: 1 - volts };
      await stand.clock.advance(20);
      chip.write(Uint8Array.of(0));
      expect(Buffer.from(chip.read(2)).readInt16BE(0)).toBe(volts / 62.5e-6);
    }
  });
});

test.each([
  [0, 1],
  [1, 0.5],
  [2, 2.5],
  [3, 0.25],
  ['0-1', 0.5],
  ['0-3', 0.75],
  ['1-3', 0.25],
  ['2-3', 2.25],
])('channel %s is what is there', async (channel, volts) => {
  chipWith();
  const { metrics } = await stand.sample(await stand.opened(ads1115, { channel, metric }));
  expect(metrics[metric]).toBeCloseTo(volts, 9);
});

test('two that are exchanged make a negative voltage', async () => {
  chipWith();
  stand.truths = { input_0: 0.5, input_1: 1 };
  const { metrics } = await stand.sample(await stand.opened(ads1115, { channel: '0-1', metric }));
  expect(metrics[metric]).toBeCloseTo(-0.5, 9);
});

test('any voltage within the scale is read to half a step, at any scale and rate', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(6.144, 4.096, 2.048, 1.024, 0.512, 0.256),
      fc.constantFrom(8, 16, 32, 64, 128, 250, 475, 860),
      fc.double({ min: 0, max: 0.9, noNaN: true }),
      async (fullScale, rate, share) => {
        stand = new ChipStand();
        stand.truths = { input_2: share * fullScale };
        chipWith(6);
        const sensor = await stand.opened(ads1115, { channel: 2, metric, full_scale: fullScale, rate });
        const { metrics } = await stand.sample(sensor);
        expect(Math.abs((metrics[metric] as number) - share * fullScale)).toBeLessThanOrEqual(fullScale / 65_535);
      },
    ),
    { numRuns: 100 },
  );
});

test.each([
  [8, 137.525],
  [128, 8.61875],
  [860, 1.3041],
])('at %i conversions a second a sample is there after %f ms, the longest that one takes', async (rate, ms) => {
  chipWith();
  const sensor = await stand.opened(ads1115, { channel: 0, metric, rate });
  let isThere = false;
  const sampled = sensor.sample(signal).then(() => {
    isThere = true;
  });
  await stand.clock.advance(ms - 0.01);
  expect(isThere).toBe(false);
  await stand.clock.advance(0.02);
  await sampled;
});

describe('against ground', () => {
  test('a few steps below are the offset of the converter, and more are an input that it does not have', async () => {
    const chip = chipWith();
    const sensor = await stand.opened(ads1115, { channel: 0, metric });
    chip.stuck = 0x1_0000 - 3;
    expect(await stand.sample(sensor)).toEqual({ metrics: { [metric]: 0 } });
    chip.stuck = 0x1_0000 - 17;
    expect(await stand.sample(sensor)).toEqual({ metrics: {}, missing: [metric] });
  });
});

describe('a conversion that is under way', () => {
  test.each([8, 128])(
    'at %i a second, as its sample was given up, is waited for, and is not that of the next input',
    async (rate) => {
      chipWith();
      const late = await stand.opened(ads1115, { channel: 0, metric, rate });
      const next = await stand.opened(ads1115, { channel: 2, metric });
      const deadline = new AbortController();
      const sampled = late.sample(deadline.signal);
      await stand.clock.advance(3);
      deadline.abort(new MooringError('DEADLINE', 'given up'));
      await expect(sampled).rejects.toMatchObject({ code: 'DEADLINE' });
      expect((await stand.sample(next)).metrics[metric]).toBeCloseTo(2.5, 9);
    },
  );

  test('as another program let it convert again and again, is ended', async () => {
    const chip = chipWith();
    chip.write(Buffer.from(sheet.quickStart, 'hex'));
    const sensor = await stand.opened(ads1115, { channel: 3, metric });
    await stand.clock.advance(2);
    for (let sample = 0; sample < 2; sample += 1) {
      expect((await stand.sample(sensor)).metrics[metric]).toBeCloseTo(0.25, 9);
    }
  });
});

describe('without power for a moment', () => {
  test.each([2, 5, 8.5])('%f ms after the conversion was begun, no 0 V is read', async (ms) => {
    const chip = chipWith();
    const sensor = await stand.opened(ads1115, { channel: '0-1', metric, full_scale: 2.048 });
    stand.clock.after(ms, () => chip.powerCycle());
    await expect(stand.sample(sensor)).rejects.toMatchObject({ code: 'READING_DAMAGED', retry: 'now' });
    expect((await stand.sample(sensor)).metrics[metric]).toBeCloseTo(0.5, 9);
  });

  test('between two samples, nothing is noticed', async () => {
    const chip = chipWith();
    const sensor = await stand.opened(ads1115, { channel: 0, metric });
    chip.powerCycle();
    expect((await stand.sample(sensor)).metrics[metric]).toBeCloseTo(1, 9);
  });
});

describe('the metric', () => {
  const metricsOf = (name: string) => ads1115.metrics(ads1115.options.parse({ channel: 0, metric: name }));

  test('says that it is in volts, unless its own unit is', () => {
    expect(metricsOf('noise_level')).toMatchObject([{ name: 'noise_level', unit: 'V' }]);
    expect(metricsOf('soil_moisture')).toMatchObject([{ name: 'soil_moisture', unit: 'V' }]);
    expect(metricsOf('battery_voltage')[0]).not.toHaveProperty('unit');
  });

  test.each(['door_open', 'modem_state', 'station', 'Noise', ''])('cannot be `%s`', (name) => {
    expect(ads1115.options.safeParse({ channel: 0, metric: name }).success).toBe(false);
  });
});

test.each([
  ['a channel that there is none of', { channel: 4 }],
  ['two inputs that cannot be compared', { channel: '1-2' }],
  ['a scale between two', { channel: 0, full_scale: 3.3 }],
  ['no channel', {}],
])('%s is refused', (_, options) => {
  expect(ads1115.options.safeParse({ metric, ...options }).success).toBe(false);
});

test('a scan knows it by the thresholds that nobody sets, and no thermometer for it', async () => {
  chipWith();
  const device = await stand.device(0x48);
  expect(await ads1115.i2c?.isThere?.(device, signal)).toBe(true);
  stand.attach({ address: 0x48, write: () => undefined, read: () => Uint8Array.of(0x4b, 0x00) });
  expect(await ads1115.i2c?.isThere?.(device, signal)).toBe(false);
});

test('four sensors of one chip take turns and none gets what belongs to another', async () => {
  chipWith();
  const channels = [0, 1, 2, 3];
  const sensors = await Promise.all(channels.map((channel) => stand.opened(ads1115, { channel, metric })));
  const readings = await stand.within(1000, Promise.all(sensors.map(async (sensor) => await sensor.sample(signal))));
  for (const [channel, { metrics }] of readings.entries()) {
    expect(metrics[metric]).toBeCloseTo(stand.truth(`input_${channel}`), 9);
  }
});
