import { beforeEach, describe, expect, test } from 'vitest';
import { silentLog } from '../../runtime/log.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { Bmp280Chip, EXAMPLE_TRIMMING } from '../../sim/chips/bmp280.ts';
import { SteppedClock } from '../../sim/clock.ts';
import { SimulatedI2cBus } from '../../sim/i2c-bus.ts';
import { HeldMemory } from '../../test/no-ports.ts';
import { SimulatedI2cPorts } from '../../test/simulated-i2c-ports.ts';
import type { PolledSensor, Reading } from '../driver.ts';
import { bmp280 } from './bmp280.ts';

const { signal } = new AbortController();

let clock: SteppedClock;
let bus: SimulatedI2cBus;
let air: Record<string, number>;
const truth = (quantity: string): number => air[quantity] ?? Number.NaN;
const chipWith = (trimming = EXAMPLE_TRIMMING): Bmp280Chip => new Bmp280Chip({ clock, truth, trimming });

function sensorOf(options: object = {}): PolledSensor {
  const context = {
    clock,
    random: new SeededRandom(1),
    log: silentLog,
    ports: new SimulatedI2cPorts(bus, clock),
    memory: new HeldMemory(),
  };
  return bmp280.create(bmp280.options.parse(options), context) as PolledSensor;
}

/** What a call comes to, while time passes. */
async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  const [outcome] = await Promise.all([Promise.allSettled([work]), clock.advance(ms)]);
  if (outcome[0].status === 'rejected') throw outcome[0].reason;
  return outcome[0].value;
}

beforeEach(() => {
  clock = new SteppedClock();
  bus = new SimulatedI2cBus();
  air = { temperature: 21.5, pressure: 1013.25 };
});

describe('a sample', () => {
  test.each([
    [1, 6.42],
    [4, 20.22],
    [16, 75.42],
  ])(
    'with %i conversions for a value is there after %f ms, the longest that the data sheet gives',
    async (oversampling, ms) => {
      bus.attach(chipWith());
      const sensor = sensorOf({ oversampling });
      await within(10, sensor.open(signal));
      let reading: Reading | undefined;
      const sampled = sensor.sample(signal).then((given) => {
        reading = given;
      });
      await clock.advance(ms);
      expect(reading).toBeUndefined();
      await clock.advance(0.01);
      await sampled;
      expect(reading?.metrics.pressure).toBeCloseTo(1013.25, 1);
    },
  );

  test('of a chip that takes longer waits for it, and not for ever', async () => {
    const chip = chipWith();
    let slowness = 1.5;
    const measuringMs = (chip as unknown as { measuringMs(): number }).measuringMs.bind(chip);
    Object.assign(chip, { measuringMs: () => slowness * measuringMs() });
    bus.attach(chip);
    const sensor = sensorOf();
    await within(10, sensor.open(signal));
    expect((await within(100, sensor.sample(signal))).metrics.temperature).toBeCloseTo(21.5, 2);
    slowness = 100;
    await expect(within(1000, sensor.sample(signal))).rejects.toMatchObject({ code: 'SENSOR_FAILED' });
  });

  test('is of now: the measurement before it is not given again', async () => {
    bus.attach(chipWith());
    const sensor = sensorOf();
    await within(10, sensor.open(signal));
    await within(100, sensor.sample(signal));
    air = { temperature: -10, pressure: 900 };
    const { metrics } = await within(100, sensor.sample(signal));
    expect(metrics.temperature).toBeCloseTo(-10, 2);
    expect(metrics.pressure).toBeCloseTo(900, 1);
  });
});

describe('what the converters give', () => {
  test('a temperature whose value looks like one that was skipped is a temperature', async () => {
    const chip = chipWith();
    bus.attach(chip);
    const sensor = sensorOf();
    await within(10, sensor.open(signal));
    chip.stuck.temperature = 0x8_0000;
    expect((await within(100, sensor.sample(signal))).metrics.temperature).toBeCloseTo(26.46, 2);
    chip.stuck.pressure = 0x8_0000;
    await expect(within(100, sensor.sample(signal))).rejects.toMatchObject({ code: 'READING_DAMAGED', retry: 'now' });
  });

  test.each([
    ['temperature', 0],
    ['temperature', 0xf_ffff],
    ['pressure', 0],
    ['pressure', 0xf_fff0],
  ])('the %s of %i, an end of its converter, gives no number', async (quantity, raw) => {
    const chip = chipWith();
    bus.attach(chip);
    const sensor = sensorOf();
    await within(10, sensor.open(signal));
    chip.stuck[quantity] = raw;
    const [outcome] = await Promise.all([Promise.allSettled([sensor.sample(signal)]), clock.advance(100)]);
    if (outcome[0].status === 'fulfilled') expect(outcome[0].value.missing).toContain(quantity);
    else expect(outcome[0].reason).toMatchObject({ code: 'READING_DAMAGED' });
  });

  test('a pressure that no air has is missing, and its temperature is not', async () => {
    const chip = chipWith();
    bus.attach(chip);
    const sensor = sensorOf();
    await within(10, sensor.open(signal));
    chip.stuck.pressure = 0xf_0000;
    const { metrics, missing } = await within(100, sensor.sample(signal));
    expect(Object.keys(metrics)).toEqual(['temperature']);
    expect(missing).toEqual(['pressure']);
  });
});

describe('without power for a moment', () => {
  test('a chip that was exchanged meanwhile is read by its own trimming words, in the same sample', async () => {
    bus.attach(chipWith());
    const sensor = sensorOf();
    await within(10, sensor.open(signal));
    await within(100, sensor.sample(signal));
    bus.attach(chipWith({ ...EXAMPLE_TRIMMING, T1: 28_485, T2: 26_735, P1: 36_738, P2: -10_635, P4: 6980 }));
    const { metrics } = await within(100, sensor.sample(signal));
    expect(metrics.temperature).toBeCloseTo(21.5, 2);
    expect(metrics.pressure).toBeCloseTo(1013.25, 1);
  });

  test('during a measurement, the sample is measured again', async () => {
    const chip = chipWith();
    bus.attach(chip);
    const sensor = sensorOf();
    await within(10, sensor.open(signal));
    const sampled = sensor.sample(signal);
    await clock.advance(5);
    chip.powerCycle();
    expect((await within(100, sampled)).metrics.temperature).toBeCloseTo(21.5, 2);
  });

  test('a chip that resets again and again says so', async () => {
    const chip = chipWith();
    bus.attach(chip);
    const sensor = sensorOf();
    await within(10, sensor.open(signal));
    const sampled = within(200, sensor.sample(signal));
    for (let ms = 5; ms < 100; ms += 5) clock.after(ms, () => chip.powerCycle());
    await expect(sampled).rejects.toMatchObject({
      code: expect.stringMatching(/^(I2C_NO_DEVICE|SENSOR_FAILED)$/) as string,
    });
  });
});

describe('open', () => {
  test('says what the chip is where it is another of the family', async () => {
    const chip = chipWith();
    Object.assign(chip, { id: 0x60 });
    bus.attach(chip);
    await expect(within(50, sensorOf().open(signal))).rejects.toMatchObject({
      code: 'SENSOR_UNKNOWN',
      context: { id: '0x60' },
      hint: expect.stringContaining('BME280') as string,
    });
  });

  test('takes no chip without trimming words, nor words of which a bit turned on the way', async () => {
    bus.attach(chipWith({ ...EXAMPLE_TRIMMING, P1: 0 }));
    await expect(within(50, sensorOf().open(signal))).rejects.toMatchObject({ code: 'READING_DAMAGED', retry: 'now' });
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
    bus.attach(chip);
    await expect(within(50, sensorOf().open(signal))).rejects.toMatchObject({ code: 'READING_DAMAGED' });
    await within(50, sensorOf().open(signal));
  });

  test('ends the normal mode in which somebody left the chip', async () => {
    const chip = chipWith();
    bus.attach(chip);
    chip.write(Uint8Array.of(0xf5, 0x1c, 0xf4, 0xff));
    const sensor = sensorOf();
    await within(50, sensor.open(signal));
    expect((await within(100, sensor.sample(signal))).metrics.pressure).toBeCloseTo(1013.25, 1);
  });
});

test('a scan knows the chip by its identity', async () => {
  bus.attach(chipWith());
  const device = new SimulatedI2cPorts(bus, clock).i2c({ bus: 'i2c-1', address: 0x76 });
  await device.open(signal);
  expect(await bmp280.i2c?.isThere?.(device, signal)).toBe(true);
  await device.close();
});
