import { expect, test } from 'vitest';
import { metricNamed } from '../../protocol/metrics.ts';
import { silentLog } from '../../runtime/log.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { SteppedClock } from '../../sim/clock.ts';
import { FedPorts } from '../../test/fed-lines.ts';
import { HeldMemory } from '../../test/no-ports.ts';
import { type Burst, recordedHour } from '../../test/recorded-hour.ts';
import type { PushedSensor, Reading } from '../driver.ts';
import { INSTANTS } from './fixtures/plaka-1h.expected.ts';
import { nmea0183 } from './nmea0183.ts';

/** The hour through the driver: what it gave for each burst, in order. */
async function playHour(onBurst: (burst: Burst, readings: readonly Reading[]) => void): Promise<void> {
  const clock = new SteppedClock();
  const ports = new FedPorts();
  const options = nmea0183.options.parse({ port: '/dev/fed' });
  const sensor = nmea0183.create(options, {
    clock,
    random: new SeededRandom(1),
    log: silentLog,
    ports,
    memory: new HeldMemory(),
  }) as PushedSensor;
  const stop = new AbortController();
  await sensor.open(stop.signal);
  let readings: Reading[] = [];
  const listening = (async () => {
    for await (const reading of sensor.readings(stop.signal)) readings.push(reading);
  })();
  let second = 0;
  for (const burst of recordedHour()) {
    await clock.advance((burst.second - second) * 1000);
    second = burst.second;
    ports.first.feed(...burst.lines);
    await clock.advance(0);
    onBurst(burst, readings);
    readings = [];
  }
  stop.abort();
  await listening;
  await sensor.close();
}

function merge(readings: readonly Reading[]): { metrics: Record<string, unknown>; location: Reading['location'] } {
  return {
    metrics: Object.assign({}, ...readings.map((reading) => reading.metrics)),
    location: readings.findLast((reading) => reading.location !== undefined)?.location,
  };
}

function round(metrics: Readonly<Record<string, unknown>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(metrics).map(([name, value]) => {
      const steps = 1 / (metricNamed(name)?.resolution ?? Number.NaN);
      return [name, Math.round((value as number) * steps) / steps];
    }),
  );
}

test('at ten instants of the recorded hour the readings are what was worked out by hand', async () => {
  const pending = new Map(INSTANTS.map((instant) => [instant.zda, instant]));
  await playHour(({ zda, lines }, readings) => {
    const instant = pending.get(zda);
    if (instant === undefined) return;
    pending.delete(zda);
    expect(lines, `the sentences of ${zda} stand in the recording`).toEqual(
      expect.arrayContaining([...instant.sentences]),
    );
    const { metrics, location } = merge(readings);
    expect(round(metrics), zda).toEqual(instant.metrics);
    expect(location, zda).toEqual(instant.location);
  });
  expect([...pending.keys()], 'instants that were never reached').toEqual([]);
});

test('the recorded hour gives no heading, no wind direction and no date, neither as values nor as missing', async () => {
  const named = new Set<string>();
  let bursts = 0;
  let dated = 0;
  let located = 0;
  await playHour((_, readings) => {
    bursts += 1;
    for (const { metrics, missing, utcMs, location } of readings) {
      for (const name of [...Object.keys(metrics), ...(missing ?? [])]) named.add(name);
      if (utcMs !== undefined) dated += 1;
      if (location !== undefined) located += 1;
    }
  });
  expect(bursts).toBe(1759);
  expect(located).toBe(1758);
  expect(dated).toBe(0);
  expect([...named].sort()).toEqual([
    'apparent_wind_angle',
    'apparent_wind_speed',
    'course_over_ground',
    'depth',
    'speed_over_ground',
    'speed_through_water',
    'wind_speed',
  ]);
});
