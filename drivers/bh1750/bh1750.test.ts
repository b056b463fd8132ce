import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { Bh1750Chip } from '../../sim/chips/bh1750.ts';
import { ChipStand } from '../../test/chip-stand.ts';
import { bh1750, COARSE, FINE, type LightRange, luxOf, USUAL } from './bh1750.ts';

interface Fixture {
  readonly read: { readonly counts: string; readonly lux: number };
  readonly countOfOneTime: readonly (LightRange & { readonly lux: number })[];
}

const fixture = JSON.parse(readFileSync(new URL('fixtures/examples.json', import.meta.url), 'utf8')) as Fixture;
const { signal } = new AbortController();
/** What the sampler gives a sample by default. */
const DEADLINE_MS = 1000;

let stand: ChipStand;
let chip: Bh1750Chip;

beforeEach(() => {
  stand = new ChipStand();
  stand.truths = { illuminance: 320 };
  chip = stand.attach(new Bh1750Chip(stand));
});

async function luxAt(illuminance: number): Promise<readonly (number | undefined)[]> {
  const sensor = await stand.opened(bh1750);
  stand.truths = { illuminance };
  const values: (number | undefined)[] = [];
  for (let sample = 0; sample < 3; sample += 1) {
    values.push((await stand.sample(sensor)).metrics.illuminance as number | undefined);
  }
  return values;
}

describe('the data sheet', () => {
  test('has an example for a read', async () => {
    const sensor = await stand.opened(bh1750);
    chip.read = () => Buffer.from(fixture.read.counts, 'hex');
    stand.truths = { illuminance: fixture.read.lux };
    const { metrics } = await stand.sample(sensor);
    expect(Math.round(metrics.illuminance as number)).toBe(fixture.read.lux);
  });

  test.each(fixture.countOfOneTime)(
    'says that one count is $lux lx at a time of $time in mode $mode',
    ({ lux, ...range }) => {
      expect(luxOf(1, range)).toBeCloseTo(lux, 1);
      expect(Math.abs(luxOf(1, range) - lux)).toBeLessThan(0.01);
    },
  );
});

describe('the range', () => {
  test('follows the light, with steps as fine as it allows', async () => {
    const steps = [
      [0.12, FINE],
      [37.7, FINE],
      [999, FINE],
      [1010, USUAL],
      [39_900, USUAL],
      [40_100, COARSE],
      [121_500, COARSE],
    ] as const;
    for (const [illuminance, range] of steps) {
      const [, second, third] = await luxAt(illuminance);
      for (const value of [second, third]) {
        expect(Math.abs((value ?? Number.NaN) - illuminance)).toBeLessThanOrEqual(luxOf(1, range) / 2 + 1e-9);
      }
    }
  });

  test('is never so wrong that a value is: at once after any change of the light it is right within a coarse step', async () => {
    const light = fc.oneof(
      fc.double({ min: 0, max: 10, noNaN: true }),
      fc.double({ min: 0, max: 121_000, noNaN: true }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(light, { minLength: 1, maxLength: 6 }), async (lights) => {
        stand = new ChipStand();
        chip = stand.attach(new Bh1750Chip(stand));
        stand.truths = { illuminance: 0 };
        const sensor = await stand.opened(bh1750);
        for (const illuminance of lights) {
          stand.truths = { illuminance };
          const reading = await stand.within(DEADLINE_MS, sensor.sample(signal));
          expect(Math.abs((reading.metrics.illuminance as number) - illuminance)).toBeLessThanOrEqual(luxOf(1, COARSE));
        }
      }),
      { numRuns: 50 },
    );
  });

  test('light that comes on in the dark is told in the same sample, within its deadline', async () => {
    stand.truths = { illuminance: 0.5 };
    const sensor = await stand.opened(bh1750);
    await stand.sample(sensor);
    await stand.sample(sensor);
    stand.truths = { illuminance: 100_000 };
    const startMs = stand.clock.monotonicMs();
    let endMs = 0;
    const sampled = sensor.sample(signal).then((reading) => {
      endMs = stand.clock.monotonicMs();
      return reading;
    });
    expect((await stand.within(DEADLINE_MS, sampled)).metrics.illuminance).toBeCloseTo(100_000, -1);
    expect(endMs - startMs).toBeLessThan(760);
  });
});

test('more light than it can tell is missing, and what comes after it is not', async () => {
  expect(await luxAt(130_000)).toEqual([undefined, undefined, undefined]);
  expect((await luxAt(500))[2]).toBeCloseTo(500, 0);
});

describe('without power for a moment', () => {
  test('between samples, nothing is lost', async () => {
    const sensor = await stand.opened(bh1750);
    await stand.sample(sensor);
    chip.powerCycle();
    expect((await stand.sample(sensor)).metrics.illuminance).toBeCloseTo(320, 0);
  });

  test('inside a sample it is no darkness', async () => {
    const sensor = await stand.opened(bh1750);
    for (const atMs of [50, 200, 400, 600]) {
      const sampled = sensor.sample(signal);
      await stand.clock.advance(atMs);
      chip.powerCycle();
      expect((await stand.within(DEADLINE_MS, sampled)).metrics.illuminance).toBeCloseTo(320, -1);
    }
  });
});

test('darkness is 0 lx', async () => {
  expect(await luxAt(0)).toEqual([0, 0, 0]);
});

test('a chip that is stuck is believed, as nothing in it says otherwise', async () => {
  const sensor = await stand.opened(bh1750);
  chip.stuck.illuminance = 1200;
  expect((await stand.sample(sensor)).metrics.illuminance).toBeCloseTo(1000, 0);
});

test('nothing in it says what it is, so that a scan can only say that something answers', () => {
  expect(bh1750.i2c?.isThere).toBeUndefined();
});
