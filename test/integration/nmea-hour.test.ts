/** The recorded hour of a boat's bus through driver, supervisor and sampler, on a stepped clock. */
import { expect, test } from 'vitest';
import { Sampler } from '../../daemon/sampling/sampler.ts';
import { WallClock } from '../../daemon/sampling/wall.ts';
import { INSTANTS } from '../../drivers/nmea0183/fixtures/plaka-1h.expected.ts';
import { nmea0183 } from '../../drivers/nmea0183/nmea0183.ts';
import type { Observation } from '../../protocol/record.ts';
import { silentLog } from '../../runtime/log.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { SteppedClock } from '../../sim/clock.ts';
import { FedPorts } from '../fed-lines.ts';
import { recordedHour } from '../recorded-hour.ts';

/** The recording names no day; any will do. The second of its first ZDA. */
const BEGIN_MS = Date.UTC(2026, 0, 1, 9, 55, 59);

interface Hour {
  /** By the second since `BEGIN_MS` whose sentences are in it. */
  readonly records: ReadonlyMap<number, Observation>;
  readonly events: readonly Observation[];
  /** Every time that a receiver was said to have given. */
  readonly heardUtcMs: readonly number[];
}

/**
 * Sentences up to a ZDA come at its second; the tick one second later takes them. The clock starts a second early, so that
 * the sensor is open by then.
 */
async function sampleHour(): Promise<Hour> {
  const clock = new SteppedClock(BEGIN_MS - 1000);
  const ports = new FedPorts();
  const heardUtcMs: number[] = [];
  const source = new WallClock({
    clock,
    isSynchronised: () => true,
    hardwareMs: async () => await Promise.resolve(undefined),
  });
  const records = new Map<number, Observation>();
  const events: Observation[] = [];
  const sampler = new Sampler({
    stations: [
      {
        name: 'plaka',
        everyMs: 1000,
        location: 'gps',
        sensors: [
          {
            driver: nmea0183,
            options: nmea0183.options.parse({ port: '/dev/fed' }),
            everyMs: 1000,
            deadlineMs: 1000,
            staleMs: 10_000,
            rename: {},
          },
        ],
      },
    ],
    metrics: [],
    clock,
    random: new SeededRandom(1),
    log: silentLog,
    ports,
    source: {
      offsetMs: () => source.offsetMs(),
      state: () => source.state(),
      label: (atMs) => source.label(atMs),
      heardUtc: (utcMs) => heardUtcMs.push(utcMs),
    },
    emit: (observation) => {
      if (observation.kind === 'sample') records.set((observation.timestampMs - BEGIN_MS) / 1000 - 1, observation);
      else events.push(observation);
    },
  });
  const starting = sampler.start();
  await clock.advance(0);
  await starting;
  await clock.advance(1000);
  let second = 0;
  for (const burst of recordedHour()) {
    await clock.advance((burst.second - second) * 1000);
    second = burst.second;
    ports.first.feed(...burst.lines);
  }
  await clock.advance(1000);
  const stopping = sampler.stop();
  await clock.advance(1000);
  await stopping;
  return { records, events, heardUtcMs };
}

const hour = await sampleHour();

test('at ten instants the record holds what was worked out by hand, and nothing else', () => {
  const secondOf = new Map(recordedHour().map(({ zda, second }) => [zda, second]));
  for (const { zda, metrics, location } of INSTANTS) {
    const record = hour.records.get(secondOf.get(zda) as number);
    expect(record?.metrics, zda).toEqual(metrics);
    expect(record?.flags, zda).toEqual({});
    expect(record?.location, zda).toEqual(location);
  }
});

test('there is one record for each second, whether or not the bus spoke, and no sensor ever failed', () => {
  const expected = Array.from({ length: 3602 }, (_, index) => index - 1);
  expect([...hour.records.keys()].filter((second) => second >= -1)).toEqual(expected);
  expect(hour.events).toEqual([]);
});

test('in no record is there a heading or a wind direction, neither as a metric nor as a flag', () => {
  const names = new Set<string>();
  const flagged = new Set<string>();
  for (const { metrics, flags } of hour.records.values()) {
    for (const name of Object.keys(metrics)) names.add(name);
    for (const name of Object.keys(flags)) flagged.add(name);
  }
  expect([...flagged]).toEqual([]);
  expect([...names].sort()).toEqual([
    'apparent_wind_angle',
    'apparent_wind_speed',
    'course_over_ground',
    'depth',
    'speed_over_ground',
    'speed_through_water',
    'wind_speed',
  ]);
});

test('its ZDAs, which have no date, never set the clock', () => {
  expect(hour.heardUtcMs).toEqual([]);
});
