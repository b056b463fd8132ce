import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MooringError } from '../../runtime/errors.ts';
import { Bme280Chip, type Bme280Trimming, USUAL_TRIMMING } from '../../sim/chips/bme280.ts';
import { ChipStand } from '../../test/chip-stand.ts';
import type { Reading } from '../driver.ts';
import { bme280 } from './bme280.ts';

/** One sample of a chip in some air. */
async function sampled(
  air: Readonly<Record<string, number>>,
  { trimming = USUAL_TRIMMING, options = {}, prepare }: Partial<Preparation> = {},
): Promise<Reading> {
  const stand = new ChipStand();
  stand.truths = air;
  const chip = stand.attach(new Bme280Chip({ clock: stand.clock, truth: stand.truth, trimming }));
  const sensor = await stand.opened(bme280, options);
  prepare?.(chip);
  return await stand.sample(sensor);
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

test('a temperature that no air has takes pressure and humidity with it, which are made up for it', async () => {
  const air = { temperature: 20, humidity: 50, pressure: 1000 };
  expect(await sampled(air, { prepare: (chip) => (chip.stuck.temperature = 0xe_0000) })).toEqual({
    metrics: {},
    missing: ['temperature', 'pressure', 'humidity'],
  });
});

test('a measurement that is under way, as its sample was given up, is waited for: the chip begins the next one behind it', async () => {
  const stand = new ChipStand();
  stand.truths = { temperature: 20, humidity: 50, pressure: 1000 };
  stand.attach(new Bme280Chip(stand));
  const sensor = await stand.opened(bme280, { oversampling: 16 });
  const deadline = new AbortController();
  const late = sensor.sample(deadline.signal);
  await stand.clock.advance(5);
  deadline.abort(new MooringError('DEADLINE', 'given up'));
  await expect(late).rejects.toMatchObject({ code: 'DEADLINE' });
  expect((await stand.sample(sensor)).metrics.humidity).toBeCloseTo(50, 1);
});

test('an element that drifts takes its own value with it and no other', async () => {
  const air = { temperature: 20, humidity: 50, pressure: 1000 };
  const { metrics } = await sampled(air, { prepare: (chip) => (chip.drift.humidity = 5) });
  expect(metrics.humidity).toBeCloseTo(55, 1);
  expect(metrics.temperature).toBeCloseTo(20, 2);
});
