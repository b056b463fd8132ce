import { expect, test } from 'vitest';
import { metricNamed } from '../../protocol/metrics.ts';
import { buoyWorld } from './buoy.ts';
import { cityWorld } from './city.ts';
import { machineWorld } from './machine.ts';
import type { World } from './world.ts';

const YEAR_START = Date.UTC(2026, 0, 1);
const HOUR_MS = 3_600_000;
const WORLDS: readonly (readonly [string, (seed: number) => World])[] = [
  ['city', (seed) => cityWorld(seed)],
  ['buoy', (seed) => buoyWorld(seed)],
  ['machine', machineWorld],
];

test.each(WORLDS)('the %s is a function of seed and time alone', (_, make) => {
  const [one, other, another] = [make(5), make(5), make(6)];
  for (const [name, quantity] of Object.entries(one)) {
    expect(quantity(YEAR_START), name).toBe(other[name]?.(YEAR_START));
  }
  expect(Object.values(another).map((quantity) => quantity(YEAR_START))).not.toEqual(
    Object.values(one).map((quantity) => quantity(YEAR_START)),
  );
});

test.each(WORLDS)('the %s stays plausible all year, with every seed', (_, make) => {
  for (const seed of [1, 2, 3]) {
    for (const [name, quantity] of Object.entries(make(seed))) {
      const [least, most] = metricNamed(name)?.range ?? [-180, 180];
      const values = Array.from({ length: 1000 }, (_, index) => quantity(YEAR_START + index * 8.77 * HOUR_MS));
      const wrong = values.filter((value) => !(value >= least && value <= most));
      expect(wrong, name).toEqual([]);
    }
  }
});

/** By how much a quantity may change in a second: well below what any instrument of it is accurate to. */
const PER_SECOND: Readonly<Record<string, number>> = {
  temperature: 0.005,
  humidity: 0.03,
  pressure: 0.005,
  wind_speed: 0.05,
  noise_level: 0.1,
  particulate_matter: 0.2,
  water_temperature: 0.001,
  battery_voltage: 0.002,
};

test.each(WORLDS.slice(0, 2))('the %s changes slowly beside its instruments', (_, make) => {
  const world = make(1);
  for (const [name, limit] of Object.entries(PER_SECOND)) {
    const quantity = world[name];
    if (quantity === undefined) continue;
    const changes = Array.from({ length: 24 * 60 }, (_, minute) => {
      const timeMs = YEAR_START + minute * 60_000;
      return Math.abs(quantity(timeMs + 1000) - quantity(timeMs));
    });
    expect(Math.max(...changes), name).toBeLessThan(limit);
  }
});

test('it rains in the city on some days and not on others', () => {
  const { rain_rate } = cityWorld(1);
  const hours = Array.from({ length: 30 * 24 }, (_, hour) => rain_rate?.(YEAR_START + hour * HOUR_MS) ?? 0);
  expect(hours.filter((rate) => rate > 0.5).length).toBeGreaterThan(24);
  expect(hours.filter((rate) => rate === 0).length).toBeGreaterThan(24);
});
