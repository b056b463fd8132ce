import { beforeEach, describe, expect, test } from 'vitest';
import { Bmp280Chip, EXAMPLE_TRIMMING } from '../../sim/chips/bmp280.ts';
import { ChipStand } from '../../test/chip-stand.ts';
import type { Reading } from '../driver.ts';
import { bmp280 } from './bmp280.ts';

const { signal } = new AbortController();

let stand: ChipStand;
const chipWith = (trimming = EXAMPLE_TRIMMING): Bmp280Chip =>
  stand.attach(new Bmp280Chip({ clock: stand.clock, truth: stand.truth, trimming }));

beforeEach(() => {
  stand = new ChipStand();
  stand.truths = { temperature: 21.5, pressure: 1013.25 };
});

describe('a sample', () => {
  test.each([
    [1, 6.42],
    [4, 20.22],
    [16, 75.42],
  ])(
    'with %i conversions for a value is there after %f ms, the longest that the data sheet gives',
    async (oversampling, ms) => {
      chipWith();
      const sensor = await stand.opened(bmp280, { oversampling });
      let reading: Reading | undefined;
      const sampled = sensor.sample(signal).then((given) => {
        reading = given;
      });
      await stand.clock.advance(ms);
      expect(reading).toBeUndefined();
      await stand.clock.advance(0.01);
      await sampled;
      expect(reading?.metrics.pressure).toBeCloseTo(1013.25, 1);
    },
  );

  test('of a chip that takes longer waits for it, and not for ever', async () => {
    const chip = chipWith();
    chip.slowness = 1.5;
    const sensor = await stand.opened(bmp280);
    expect((await stand.sample(sensor)).metrics.temperature).toBeCloseTo(21.5, 2);
    chip.slowness = 100;
    await expect(stand.sample(sensor)).rejects.toMatchObject({ code: 'SENSOR_FAILED' });
  });

  test('is of now: the measurement before it is not given again', async () => {
    chipWith();
    const sensor = await stand.opened(bmp280);
    await stand.sample(sensor);
    stand.truths = { temperature: -10, pressure: 900 };
    const { metrics } = await stand.sample(sensor);
    expect(metrics.temperature).toBeCloseTo(-10, 2);
    expect(metrics.pressure).toBeCloseTo(900, 1);
  });
});

describe('what the converters give', () => {
  test('a temperature whose value looks like one that was skipped is a temperature', async () => {
    const chip = chipWith();
    const sensor = await stand.opened(bmp280);
    chip.stuck.temperature = 0x8_0000;
    expect((await stand.sample(sensor)).metrics.temperature).toBeCloseTo(26.46, 2);
    chip.stuck.pressure = 0x8_0000;
    await expect(stand.sample(sensor)).rejects.toMatchObject({ code: 'READING_DAMAGED', retry: 'now' });
  });

  test.each([
    ['temperature', 0],
    ['temperature', 0xf_ffff],
    ['pressure', 0],
    ['pressure', 0xf_fff0],
  ])('the %s of %i, an end of its converter, gives no number', async (quantity, raw) => {
    const chip = chipWith();
    const sensor = await stand.opened(bmp280);
    chip.stuck[quantity] = raw;
    const [outcome] = await Promise.allSettled([stand.sample(sensor)]);
    if (outcome.status === 'fulfilled') expect(outcome.value.missing).toContain(quantity);
    else expect(outcome.reason).toMatchObject({ code: 'READING_DAMAGED' });
  });

  test.each([0x1_0000, 0xe_0000])('a temperature of %i, which no air has, takes the pressure with it', async (raw) => {
    const chip = chipWith();
    const sensor = await stand.opened(bmp280);
    chip.stuck.temperature = raw;
    expect(await stand.sample(sensor)).toEqual({ metrics: {}, missing: ['temperature', 'pressure'] });
  });

  test('a pressure that no air has is missing, and its temperature is not', async () => {
    const chip = chipWith();
    const sensor = await stand.opened(bmp280);
    chip.stuck.pressure = 0xf_0000;
    const { metrics, missing } = await stand.sample(sensor);
    expect(Object.keys(metrics)).toEqual(['temperature']);
    expect(missing).toEqual(['pressure']);
  });
});

describe('without power for a moment', () => {
  test('a chip that was exchanged meanwhile is read by its own trimming words, in the same sample', async () => {
    chipWith();
    const sensor = await stand.opened(bmp280);
    await stand.sample(sensor);
    chipWith({ ...EXAMPLE_TRIMMING, T1: 28_485, T2: 26_735, P1: 36_738, P2: -10_635, P4: 6980 });
    const { metrics } = await stand.sample(sensor);
    expect(metrics.temperature).toBeCloseTo(21.5, 2);
    expect(metrics.pressure).toBeCloseTo(1013.25, 1);
  });

  test('during a measurement, the sample is measured again', async () => {
    const chip = chipWith();
    const sensor = await stand.opened(bmp280);
    const sampled = sensor.sample(signal);
    await stand.clock.advance(5);
    chip.powerCycle();
    expect((await stand.within(100, sampled)).metrics.temperature).toBeCloseTo(21.5, 2);
  });

  test('a chip that resets again and again says so', async () => {
    const chip = chipWith();
    const sensor = await stand.opened(bmp280);
    const sampled = stand.sample(sensor);
    for (let ms = 5; ms < 100; ms += 5) stand.clock.after(ms, () => chip.powerCycle());
    await expect(sampled).rejects.toMatchObject({
      code: expect.stringMatching(/^(I2C_NO_DEVICE|SENSOR_FAILED)$/) as string,
    });
  });
});

describe('open', () => {
  test('says what the chip is where it is another of the family', async () => {
    const chip = chipWith();
    chip.id = 0x60;
    await expect(stand.opened(bmp280)).rejects.toMatchObject({
      code: 'SENSOR_UNKNOWN',
      context: { id: '0x60' },
      hint: expect.stringContaining('BME280') as string,
    });
  });

  test('takes no chip without trimming words, nor words of which a bit turned on the way', async () => {
    chipWith({ ...EXAMPLE_TRIMMING, P1: 0 });
    await expect(stand.opened(bmp280)).rejects.toMatchObject({ code: 'READING_DAMAGED', retry: 'now' });
    const chip = chipWith();
    const { read } = chip;
    let isTurned = true;
    chip.read = (length) => {
      const answer = read.call(chip, length);
      if (length === 24 && isTurned) {
        isTurned = false;
        answer[7] = (answer[7] as number) ^ 4;
      }
      return answer;
    };
    await expect(stand.opened(bmp280)).rejects.toMatchObject({ code: 'READING_DAMAGED' });
    await stand.opened(bmp280);
  });

  test('ends the normal mode in which somebody left the chip', async () => {
    const chip = chipWith();
    chip.write(Uint8Array.of(0xf5, 0x1c, 0xf4, 0xff));
    const sensor = await stand.opened(bmp280);
    expect((await stand.sample(sensor)).metrics.pressure).toBeCloseTo(1013.25, 1);
  });
});

test('a scan knows the chip by its identity', async () => {
  const chip = chipWith();
  const device = await stand.device(0x76);
  expect(await bmp280.i2c?.isThere?.(device, signal)).toBe(true);
  chip.id = 0x60;
  chip.powerCycle();
  await stand.clock.advance(2);
  expect(await bmp280.i2c?.isThere?.(device, signal)).toBe(false);
});
