import { describe, expect, it } from 'vitest';
import { type MetricDefinition, metricNamed } from '../../protocol/metrics.ts';
import { BUOY_ANCHOR, BUOY_METRICS, Buoy, type BuoyState, WATCH_CIRCLE_METRES } from './buoy.ts';

const YEAR_START = Date.UTC(2026, 0, 1);
const HOUR_MS = 3_600_000;

function hours(seed: number, from: number, count: number): BuoyState[] {
  const buoy = new Buoy(seed);
  return Array.from({ length: count }, (_, index) => buoy.at(from + index * HOUR_MS));
}

function metresFromAnchor({ location }: BuoyState): number {
  const north = (location.lat - BUOY_ANCHOR.lat) * 111_195;
  const east = (location.lon - BUOY_ANCHOR.lon) * 111_195 * Math.cos((BUOY_ANCHOR.lat * Math.PI) / 180);
  return Math.hypot(north, east);
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

function rangeOf(name: string): readonly [number, number] {
  return (metricNamed(name) as Required<MetricDefinition>).range;
}

describe('the buoy', () => {
  it('is a function of time: two of one seed agree, in whatever order they are asked', () => {
    const moments = [YEAR_START, YEAR_START + 12_345, YEAR_START + 99 * HOUR_MS];
    const [one, other] = [new Buoy(5), new Buoy(5)];
    const forwards = moments.map((moment) => one.at(moment));
    expect(moments.toReversed().map((moment) => other.at(moment))).toEqual(forwards.toReversed());
    expect(new Buoy(6).at(YEAR_START)).not.toEqual(forwards[0]);
  });

  it('gives plausible values all year, with every seed', () => {
    for (const seed of [1, 2, 3]) {
      for (const { metrics } of hours(seed, YEAR_START, 365 * 24)) {
        expect(Object.keys(metrics).sort()).toEqual([...BUOY_METRICS].sort());
        for (const [name, value] of Object.entries(metrics)) {
          const [least, most] = rangeOf(name);
          expect(value >= least && value <= most, `${name} ${value}`).toBe(true);
        }
      }
    }
  });

  it('drifts, but never out of its watch circle', () => {
    const distances = hours(1, YEAR_START, 365 * 24).map(metresFromAnchor);
    expect(Math.max(...distances)).toBeLessThan(WATCH_CIRCLE_METRES);
    expect(Math.max(...distances)).toBeGreaterThan(20);
    // A second apart it has not moved by more than the receiver's noise allows.
    const buoy = new Buoy(1);
    const [here, there] = [buoy.at(YEAR_START), buoy.at(YEAR_START + 1000)];
    expect(Math.abs(metresFromAnchor(here) - metresFromAnchor(there))).toBeLessThan(5);
  });

  it('is warmer by day than by night, and charges only under the sun', () => {
    const summer = hours(2, Date.UTC(2026, 5, 1), 30 * 24);
    const at = (hour: number): BuoyState[] => summer.filter((_, index) => index % 24 === hour);
    const meanOf = (states: readonly BuoyState[], name: (typeof BUOY_METRICS)[number]): number =>
      mean(states.map(({ metrics }) => metrics[name]));
    expect(meanOf(at(14), 'temperature')).toBeGreaterThan(meanOf(at(3), 'temperature') + 3);
    expect(meanOf(at(0), 'shortwave_radiation')).toBe(0);
    expect(meanOf(at(12), 'shortwave_radiation')).toBeGreaterThan(500);
    expect(meanOf(at(12), 'battery_voltage')).toBeGreaterThan(meanOf(at(4), 'battery_voltage') + 0.8);
    expect(meanOf(at(4), 'battery_voltage')).toBeGreaterThan(12);
  });

  it('has higher waves with more wind, and longer ones with higher', () => {
    const states = hours(4, YEAR_START, 90 * 24).sort((a, b) => a.metrics.wave_height - b.metrics.wave_height);
    const [calm, rough] = [states.slice(0, 200), states.slice(-200)];
    for (const name of ['wave_period', 'wind_speed'] as const) {
      expect(mean(rough.map(({ metrics }) => metrics[name]))).toBeGreaterThan(
        mean(calm.map(({ metrics }) => metrics[name])) + 1,
      );
    }
  });
});
