import { describe, expect, it } from 'vitest';
import { metricNamed } from '../../protocol/metrics.ts';
import { MooringError } from '../../runtime/errors.ts';
import { silentLog } from '../../runtime/log.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { SteppedClock } from '../../sim/clock.ts';
import { Buoy } from '../../sim/station/buoy.ts';
import { cityTruth } from '../../sim/station/city.ts';
import { HeldMemory, NoPorts } from '../../test/no-ports.ts';
import type { PolledSensor, Reading, SensorContext } from '../driver.ts';
import { sim } from './sim.ts';

const signal = new AbortController().signal;

function context(clock = new SteppedClock()): SensorContext {
  return { clock, random: new SeededRandom(1), log: silentLog, ports: new NoPorts(), memory: new HeldMemory() };
}

function sensorOf(options: object, clock?: SteppedClock): PolledSensor {
  return sim.create(sim.options.parse(options), context(clock)) as PolledSensor;
}

async function samples(sensor: PolledSensor, count: number): Promise<Reading[]> {
  const readings: Reading[] = [];
  for (let index = 0; index < count; index += 1) readings.push(await sensor.sample(signal));
  return readings;
}

describe('sim', () => {
  it.each(['city', 'buoy'])('gives with every sample exactly the metrics that %s announces', async (profile) => {
    const announced = sim.metrics(sim.options.parse({ profile })).map(({ name }) => name);
    const [reading] = await samples(sensorOf({ profile }), 1);
    expect(Object.keys(reading?.metrics ?? {}).sort()).toEqual([...announced].sort());
    for (const name of announced) expect(metricNamed(name)?.type, name).toBe('number');
  });

  it('gives the same series for the same seed and another one for another', async () => {
    const [first, again, other] = await Promise.all(
      [7, 7, 8].map(async (seed) => await samples(sensorOf({ profile: 'city', seed }), 20)),
    );
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
  });

  it('publishes the outliers that the truth of its seed names', async () => {
    const readings = await samples(sensorOf({ profile: 'city', seed: 7 }), 2000);
    const truth = [...cityTruth({ seed: 7 }, 2000)];
    expect(truth.length).toBeGreaterThan(0);
    for (const { record, metric, published } of truth) expect(readings[record]?.metrics[metric]).toBe(published);
  });

  it('says where the buoy is at the moment that the clock shows', async () => {
    const clock = new SteppedClock(Date.UTC(2026, 6, 1, 12));
    const sensor = sensorOf({ profile: 'buoy', seed: 3 }, clock);
    await clock.advance(90_000);
    expect(await sensor.sample(signal)).toEqual(new Buoy(3).at(Date.UTC(2026, 6, 1, 12, 1, 30)));
  });

  it('fails the share of samples that it is told to, in a way that asks for no reopening', async () => {
    const sensor = sensorOf({ profile: 'city', drop: 0.25 });
    const outcomes = await Promise.allSettled(Array.from({ length: 1000 }, async () => await sensor.sample(signal)));
    const errors = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
    expect(errors.length).toBeGreaterThan(200);
    expect(errors.length).toBeLessThan(300);
    for (const error of errors) expect(error).toMatchObject({ code: 'SENSOR_FAILED', retry: 'now' });
    expect(errors[0]).toBeInstanceOf(MooringError);
  });

  it.each([
    {},
    { profile: 'moon' },
    { profile: 'city', seed: 1.5 },
    { profile: 'city', drop: 2 },
    { profile: 'city', sed: 1 },
  ])('refuses the options %j', (options) => {
    expect(sim.options.safeParse(options).success).toBe(false);
  });
});
