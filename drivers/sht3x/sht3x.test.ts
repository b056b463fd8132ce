import { readFileSync } from 'node:fs';
import { beforeEach, describe, expect, test } from 'vitest';
import { Sht3xChip } from '../../sim/chips/sht3x.ts';
import { Sht4xChip } from '../../sim/chips/sht4x.ts';
import { ChipStand } from '../../test/chip-stand.ts';
import { sht3x } from './sht3x.ts';

interface Fixture {
  readonly measure: string;
  readonly status: string;
  readonly reset: readonly string[];
  readonly heaterOn: string;
  readonly heaterOff: string;
  readonly examples: readonly { readonly answer: string; readonly temperature: number; readonly humidity: number }[];
  readonly impossible: readonly string[];
}

const fixture = JSON.parse(readFileSync(new URL('fixtures/conversion.json', import.meta.url), 'utf8')) as Fixture;
const { signal } = new AbortController();
const MISSING = { metrics: {}, missing: ['temperature', 'humidity'] };

let stand: ChipStand;
let chip: Sht3xChip;
let written: string[];

beforeEach(() => {
  stand = new ChipStand();
  stand.truths = { temperature: 21.5, humidity: 60 };
  chip = stand.attach(new Sht3xChip(stand));
  written = [];
  const { write } = chip;
  chip.write = (bytes) => {
    written.push(Buffer.from(bytes).toString('hex'));
    write.call(chip, bytes);
  };
});

function answers(hex: string): void {
  chip.read = () => Buffer.from(hex.replaceAll(' ', ''), 'hex');
}

describe('by the bytes', () => {
  test('it asks for the status, ends what the chip was at, and measures without stretching the clock', async () => {
    const sensor = await stand.opened(sht3x);
    await stand.sample(sensor);
    expect(new Set(written)).toEqual(new Set([fixture.status, ...fixture.reset, fixture.measure]));
  });

  test.each(fixture.examples)('$answer are $temperature °C and $humidity %', async ({ answer, ...values }) => {
    const sensor = await stand.opened(sht3x);
    answers(answer);
    const { metrics } = await stand.sample(sensor);
    expect(metrics.temperature).toBeCloseTo(values.temperature, 3);
    expect(metrics.humidity).toBeCloseTo(values.humidity, 3);
  });

  test.each(fixture.impossible)('%s, a temperature that it cannot have, is no value of either', async (answer) => {
    const sensor = await stand.opened(sht3x);
    answers(answer);
    expect(await stand.sample(sensor)).toEqual(MISSING);
  });
});

describe('the heater', () => {
  test('goes on, and off with the next sample; while the chip is warm there is no value, and never a wrong one', async () => {
    const sensor = await stand.opened(sht3x, { heater: '10m' });
    const states: boolean[] = [];
    for (let second = 0; second < 700; second += 5) {
      const { metrics, missing } = await stand.within(5000, sensor.sample(signal));
      states.push(chip.isHeating);
      if (missing === undefined) expect(metrics.temperature).toBeCloseTo(21.5, 1);
    }
    expect(states.filter(Boolean)).toHaveLength(1);
    expect(written.filter((each) => each === fixture.heaterOn || each === fixture.heaterOff)).toEqual([
      fixture.heaterOn,
      fixture.heaterOff,
    ]);
  });

  test('does not stay on when the sensor is closed', async () => {
    const sensor = await stand.opened(sht3x, { heater: '10m' });
    await stand.clock.advance(600_000);
    await stand.sample(sensor);
    expect(chip.isHeating).toBe(true);
    await stand.within(100, sensor.close());
    expect(chip.isHeating).toBe(false);
  });

  test('that a program which died left on is switched off at opening, and the chip may cool down first', async () => {
    chip.write(Buffer.from(fixture.heaterOn, 'hex'));
    await stand.clock.advance(60_000);
    const sensor = await stand.opened(sht3x);
    expect(chip.isHeating).toBe(false);
    expect(await stand.sample(sensor)).toEqual(MISSING);
    await stand.clock.advance(60_000);
    expect((await stand.sample(sensor)).metrics.temperature).toBeCloseTo(21.5, 1);
  });
});

test('a scan finds it, and takes no SHT4x for it', async () => {
  const device = await stand.device(0x44);
  const isThere = async () =>
    await stand.within(100, sht3x.i2c?.isThere?.(device, signal) ?? Promise.reject(new Error()));
  expect(await isThere()).toBe(true);
  stand.bus.attach(new Sht4xChip(stand));
  expect(await isThere()).toBe(false);
});
