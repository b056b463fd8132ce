import fc from 'fast-check';
import { expect, test } from 'vitest';
import { silentLog } from '../../runtime/log.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { Bme280Chip, type Bme280Trimming, USUAL_TRIMMING } from '../../sim/chips/bme280.ts';
import { SteppedClock } from '../../sim/clock.ts';
import { SimulatedI2cBus } from '../../sim/i2c-bus.ts';
import { HeldMemory } from '../../test/no-ports.ts';
import { SimulatedI2cPorts } from '../../test/simulated-i2c-ports.ts';
import type { PolledSensor, Reading } from '../driver.ts';
import { bme280 } from './bme280.ts';

const { signal } = new AbortController();

/** One sample of a chip in some air. */
async function sampled(
  air: Readonly<Record<string, number>>,
  { trimming = USUAL_TRIMMING, options = {}, prepare }: Partial<Preparation> = {},
): Promise<Reading> {
  const clock = new SteppedClock();
  const chip = new Bme280Chip({ clock, truth: (quantity) => air[quantity] ?? Number.NaN, trimming });
  const sensor = bme280.create(bme280.options.parse(options), {
    clock,
    random: new SeededRandom(1),
    log: silentLog,
    ports: new SimulatedI2cPorts(new SimulatedI2cBus(chip), clock),
    memory: new HeldMemory(),
  }) as PolledSensor;
  await Promise.all([sensor.open(signal), clock.advance(20)]);
  prepare?.(chip);
  const [outcome] = await Promise.all([Promise.allSettled([sensor.sample(signal)]), clock.advance(200)]);
  if (outcome[0].status === 'rejected') throw outcome[0].reason;
  return outcome[0].value;
}

interface Preparation {
  readonly trimming: Bme280Trimming;
  readonly options: object;
  prepare(chip: Bme280Chip): void;
}

test('any chip in any air: what is true is what is read', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        temperature: fc.double({ min: -39, max: 84, noNaN: true }),
        humidity: fc.double({ min: 0, max: 100, noNaN: true }),
        pressure: fc.double({ min: 301, max: 1099, noNaN: true }),
      }),
      fc.record({
        H1: fc.integer({ min: 0, max: 100 }),
        H2: fc.integer({ min: 330, max: 400 }),
        H3: fc.integer({ min: 0, max: 5 }),
        H4: fc.integer({ min: 250, max: 400 }),
        H5: fc.integer({ min: -60, max: 60 }),
        H6: fc.integer({ min: 0, max: 40 }),
      }),
      fc.constantFrom(1, 2, 4, 8, 16),
      async (air, words, oversampling) => {
        const reading = await sampled(air, { trimming: { ...USUAL_TRIMMING, ...words }, options: { oversampling } });
        expect(reading.metrics.temperature).toBeCloseTo(air.temperature, 1);
        expect(Math.abs((reading.metrics.pressure as number) - air.pressure)).toBeLessThan(0.03);
        expect(Math.abs((reading.metrics.humidity as number) - air.humidity)).toBeLessThan(0.02);
      },
    ),
    { numRuns: 100 },
  );
});

test('a humidity whose value looks like one that was skipped is a humidity, and an end of the converter is none', async () => {
  const air = { temperature: 20, humidity: 50, pressure: 1000 };
  const given = await sampled(air, { prepare: (chip) => (chip.stuck.humidity = 0x8000) });
  expect(given.metrics.humidity).toBeGreaterThan(60);
  for (const end of [0, 0xffff]) {
    const damaged = sampled(air, { prepare: (chip) => (chip.stuck.humidity = end) });
    await expect(damaged).rejects.toMatchObject({ code: 'READING_DAMAGED' });
  }
});

test('an element that drifts takes its own value with it and no other', async () => {
  const air = { temperature: 20, humidity: 50, pressure: 1000 };
  const { metrics } = await sampled(air, { prepare: (chip) => (chip.drift.humidity = 5) });
  expect(metrics.humidity).toBeCloseTo(55, 1);
  expect(metrics.temperature).toBeCloseTo(20, 2);
});
