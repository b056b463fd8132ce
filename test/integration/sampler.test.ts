/** The sampler as the daemon uses it: stations and sensors on a stepped clock, records out. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Sampler } from '../../daemon/sampling/sampler.ts';
import type { SensorSettings, StationSettings } from '../../daemon/sampling/station.ts';
import { WallClock } from '../../daemon/sampling/wall.ts';
import type { AnyDriver, Reading, Sensor } from '../../drivers/driver.ts';
import { sim } from '../../drivers/sim/sim.ts';
import type { Observation } from '../../protocol/record.ts';
import { MooringError } from '../../runtime/errors.ts';
import { silentLog } from '../../runtime/log.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { SteppedClock } from '../../sim/clock.ts';
import { ScriptedPolled, ScriptedPushed } from '../../sim/scripted-sensors.ts';

const START = Date.UTC(2026, 0, 1, 0, 0, 0, 0);
const DAY_MS = 86_400_000;
const NO_PORTS = {
  serial: (): never => {
    throw new Error('there is no port here');
  },
};

let clock: SteppedClock;
let wall: WallClock;
let sampler: Sampler | undefined;
let observations: (Observation & { readonly atMs: number; readonly urgent: boolean })[];

beforeEach(() => {
  clock = new SteppedClock(START);
  wall = new WallClock({ clock, isSynchronised: () => true, hardwareMs: () => undefined });
  observations = [];
});

afterEach(async () => {
  await stop();
});

async function start(stations: readonly StationSettings[]): Promise<void> {
  sampler = new Sampler({
    stations,
    metrics: [],
    clock,
    random: new SeededRandom(1),
    log: silentLog,
    ports: NO_PORTS,
    source: wall,
    emit: (observation, { urgent }) => observations.push({ ...observation, atMs: clock.monotonicMs(), urgent }),
  });
  const started = sampler.start();
  await clock.advance(0);
  await started;
}

async function stop(): Promise<void> {
  const stopped = sampler?.stop();
  await clock.advance(5000);
  await stopped;
  sampler = undefined;
}

function driverOf(sensor: Sensor, metrics: readonly string[]): AnyDriver {
  return {
    name: 'scripted',
    summary: 'a test',
    options: z.strictObject({}),
    metrics: () => metrics.map((name) => ({ name })),
    create: () => sensor,
  };
}

function settingsOf(driver: AnyDriver, options: unknown, more: Partial<SensorSettings> = {}): SensorSettings {
  return { driver, options, everyMs: 1000, deadlineMs: 500, staleMs: 10_000, rename: {}, ...more };
}

function scripted(sensor: Sensor, metrics: readonly string[], more: Partial<SensorSettings> = {}): SensorSettings {
  return settingsOf(driverOf(sensor, metrics), {}, more);
}

function station(
  name: string,
  sensors: readonly SensorSettings[],
  more: Partial<StationSettings> = {},
): StationSettings {
  return { name, everyMs: 1000, location: undefined, sensors, ...more };
}

/** A sensor whose samples count from 1. */
function counter(metric: string): ScriptedPolled {
  let count = 0;
  return new ScriptedPolled(async () => {
    count += 1;
    return await Promise.resolve({ metrics: { [metric]: count } });
  });
}

const samplesOf = (name: string): typeof observations =>
  observations.filter(({ station: each, kind }) => each === name && kind === 'sample');
const eventsOf = (event: string): typeof observations => observations.filter(({ info }) => info?.event === event);
const never = async (): Promise<never> => await new Promise<never>(() => undefined);

describe('cadence', () => {
  it('a polled metric appears in the tick that sampled it, and is absent without a flag where it was not due', async () => {
    await start([
      station('s', [
        scripted(counter('temperature'), ['temperature']),
        scripted(counter('humidity'), ['humidity'], { everyMs: 3000 }),
      ]),
    ]);
    await clock.advance(4000);
    expect(samplesOf('s').map(({ metrics, flags }) => [metrics, flags])).toEqual([
      [{ temperature: 1, humidity: 1 }, {}],
      [{ temperature: 2 }, {}],
      [{ temperature: 3 }, {}],
      [{ temperature: 4, humidity: 2 }, {}],
      [{ temperature: 5 }, {}],
    ]);
  });

  it('a polled metric that was due and failed is absent with flag 9, and only in the ticks at which it was due', async () => {
    const failing = new ScriptedPolled(
      async () => await Promise.reject(new MooringError('SENSOR_FAILED', 'no answer')),
    );
    await start([
      station('s', [
        scripted(failing, ['humidity', 'temperature'], { everyMs: 2000, rename: { temperature: 'water_temperature' } }),
      ]),
    ]);
    await clock.advance(2000);
    const flags = { humidity: 9, water_temperature: 9 };
    expect(samplesOf('s').map((record) => [record.metrics, record.flags])).toEqual([
      [{}, flags],
      [{}, {}],
      [{}, flags],
    ]);
  });

  it('a pushed value is taken once, in the tick after it came, the newest if there are several', async () => {
    const gps = new ScriptedPushed();
    await start([station('s', [scripted(gps, ['depth', 'heading'])])]);
    gps.say({ metrics: { depth: 1, heading: 7 } });
    await clock.advance(500);
    gps.say({ metrics: { depth: 2 } });
    await clock.advance(2500);
    expect(samplesOf('s').map(({ metrics }) => metrics)).toEqual([{}, { depth: 2, heading: 7 }, {}, {}]);
  });

  it('a pushed metric that has been silent for longer than its stale time is flagged, one that never came is not', async () => {
    const gps = new ScriptedPushed();
    await start([station('s', [scripted(gps, ['depth', 'heading'], { staleMs: 3000 })])]);
    await clock.advance(500);
    gps.say({ metrics: { depth: 1 } });
    await clock.advance(5500);
    expect(samplesOf('s').map(({ metrics, flags }) => [metrics, flags])).toEqual([
      [{}, {}],
      [{ depth: 1 }, {}],
      [{}, {}],
      [{}, {}],
      [{}, { depth: 9 }],
      [{}, { depth: 9 }],
      [{}, { depth: 9 }],
    ]);
  });

  it('a tick makes a record even with no metric', async () => {
    await start([station('s', [scripted(new ScriptedPushed(), ['depth'])])]);
    await clock.advance(2000);
    expect(samplesOf('s').map(({ metrics, flags, timestampMs }) => [metrics, flags, timestampMs - START])).toEqual([
      [{}, {}, 0],
      [{}, {}, 1000],
      [{}, {}, 2000],
    ]);
  });
});

describe('ticks', () => {
  it('neither drift nor bunch in a simulated day: one record a second, to the millisecond', async () => {
    const options = sim.options.parse({ profile: 'city', seed: 7 }) as unknown;
    await clock.advance(437);
    await start([station('city-1', [settingsOf(sim, options)])]);
    await clock.advance(DAY_MS);
    const records = samplesOf('city-1');
    expect(records.length).toBe(86_400);
    expect(records.every(({ timestampMs }, index) => timestampMs === START + 1000 * (index + 1))).toBe(true);
    expect(
      records.every(({ metrics, flags }) => Object.keys(metrics).length === 9 && Object.keys(flags).length === 0),
    ).toBe(true);
  }, 60_000);

  it('go on through a clock that jumps by years, and say that it did', async () => {
    await start([station('s', [scripted(counter('temperature'), ['temperature'])])]);
    await clock.advance(2500);
    clock.jumpWall(20 * 365 * DAY_MS);
    await clock.advance(2000);
    clock.jumpWall(-40 * 365 * DAY_MS);
    await clock.advance(2000);
    expect(samplesOf('s').map(({ atMs, metrics }) => [atMs, metrics.temperature])).toEqual(
      Array.from({ length: 7 }, (_, index) => [1000 * index, index + 1]),
    );
    expect(samplesOf('s').map(({ timestampMs }) => Math.round((timestampMs - START) / (365 * DAY_MS)))).toEqual([
      0, 0, 0, 20, 20, -20, -20,
    ]);
    expect(eventsOf('clock').map(({ info }) => info?.step_ms)).toEqual([20 * 365 * DAY_MS, -40 * 365 * DAY_MS]);
  });

  it('after a stall the missed ones are skipped and reported, and a sample that was due in them is made up for once', async () => {
    await start([
      station('s', [
        scripted(counter('temperature'), ['temperature']),
        scripted(counter('humidity'), ['humidity'], { everyMs: 5000 }),
      ]),
    ]);
    await clock.advance(3500);
    clock.stall(4000);
    await clock.advance(2500);
    expect(samplesOf('s').map(({ timestampMs, metrics }) => [timestampMs - START, metrics])).toEqual([
      [0, { temperature: 1, humidity: 1 }],
      [1000, { temperature: 2 }],
      [2000, { temperature: 3 }],
      [3000, { temperature: 4 }],
      [7000, { temperature: 5, humidity: 2 }],
      [8000, { temperature: 6 }],
      [9000, { temperature: 7 }],
      [10_000, { temperature: 8, humidity: 3 }],
    ]);
    expect(eventsOf('ticks_missed').map(({ station: each, info, urgent }) => [each, info?.count, urgent])).toEqual([
      ['s', 3, true],
    ]);
    expect(sampler?.status().stations).toMatchObject([{ station: 's', ticks: 8, missed: 3 }]);
  });

  it('of a machine that is always late are reported once a minute, and at the stop, none left out', async () => {
    await start([station('s', [scripted(counter('temperature'), ['temperature'])])]);
    for (let round = 0; round < 30; round += 1) {
      clock.stall(4900);
      await clock.advance(100);
    }
    expect(eventsOf('ticks_missed').length).toBe(3);
    const missed = sampler?.status().stations[0]?.missed;
    await stop();
    const reported = eventsOf('ticks_missed').reduce((sum, { info }) => sum + Number(info?.count), 0);
    expect(reported).toBe(missed);
    expect(reported).toBe(90);
  });
});

describe('a sensor that hangs', () => {
  it('delays the record of its own station by its deadline once, and that of another never', async () => {
    const hanging = new ScriptedPolled(never);
    await start([
      station('a', [
        scripted(hanging, ['humidity'], { deadlineMs: 300 }),
        scripted(counter('temperature'), ['temperature']),
      ]),
      station('b', [scripted(counter('temperature'), ['temperature'])]),
    ]);
    await clock.advance(5000);
    expect(samplesOf('b').map(({ atMs }) => atMs)).toEqual([0, 1000, 2000, 3000, 4000, 5000]);
    expect(samplesOf('a').map(({ atMs }) => atMs)).toEqual([300, 1000, 2000, 3000, 4000, 5000]);
    expect(samplesOf('a').every(({ flags }) => flags.humidity === 9)).toBe(true);
    expect(samplesOf('a').map(({ metrics }) => metrics.temperature)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(hanging.count('sample')).toBe(1);
    expect(eventsOf('sensor_failed').map(({ station: each, info }) => [each, info?.sensor, info?.code])).toEqual([
      ['a', 'scripted', 'DEADLINE'],
    ]);
    expect(sampler?.status().sensors.map(({ state }) => state)).toEqual(['hung', 'ok', 'ok']);
  });

  it('when it is opened holds up the first ticks by no more than two seconds', async () => {
    const stuck = new ScriptedPolled(never, { open: never });
    const starting = start([
      station('a', [scripted(stuck, ['humidity'])]),
      station('b', [scripted(counter('temperature'), ['temperature'])]),
    ]);
    await clock.advance(4000);
    await starting;
    expect(samplesOf('b').map(({ atMs }) => atMs)).toEqual([2000, 3000, 4000]);
    expect(samplesOf('a').map(({ flags }) => flags)).toEqual([{ humidity: 9 }, { humidity: 9 }, { humidity: 9 }]);
  });

  it('for longer than a tick but within its deadline still gives its values to the tick that asked, in order', async () => {
    let count = 0;
    const slow = new ScriptedPolled(async () => {
      count += 1;
      const metrics = { temperature: count };
      await clock.sleep(250);
      return { metrics };
    });
    await start([station('s', [scripted(slow, ['temperature'], { everyMs: 400 })], { everyMs: 100 })]);
    await clock.advance(1000);
    const records = samplesOf('s');
    const none = undefined;
    expect(records.map(({ timestampMs }) => timestampMs - START)).toEqual([0, 100, 200, 300, 400, 500, 600, 700]);
    expect(records.map(({ metrics }) => metrics.temperature)).toEqual([1, none, none, none, 2, none, none, none]);
    expect(records.map(({ atMs }) => atMs)).toEqual([250, 250, 250, 300, 650, 650, 650, 700]);
  });
});

describe('a sensor that fails', () => {
  it('and comes back is reported once each, while the records go on', async () => {
    let isBroken = true;
    const sensor = new ScriptedPolled(async () => await Promise.resolve({ metrics: { temperature: 20 } }), {
      open: async () => {
        if (isBroken) throw new MooringError('PORT_ABSENT', 'no such port', { context: { path: '/dev/tty' } });
        await Promise.resolve();
      },
    });
    await start([station('s', [scripted(sensor, ['temperature'])])]);
    await clock.advance(120_000);
    isBroken = false;
    await clock.advance(120_000);
    expect(samplesOf('s').length).toBe(241);
    const events = observations.filter(({ kind }) => kind === 'event');
    expect(events.map(({ info, urgent, metrics }) => ({ info, urgent, metrics }))).toEqual([
      {
        info: {
          event: 'sensor_failed',
          sensor: 'scripted',
          driver: 'scripted',
          code: 'PORT_ABSENT',
          reason: 'no such port',
        },
        urgent: true,
        metrics: {},
      },
      { info: { event: 'sensor_back', sensor: 'scripted', driver: 'scripted' }, urgent: true, metrics: {} },
    ]);
  });

  it('in single samples is flagged in those records, and nothing else', async () => {
    const options = sim.options.parse({ profile: 'city', drop: 0.1 }) as unknown;
    await start([station('s', [settingsOf(sim, options)])]);
    await clock.advance(999_000);
    const records = samplesOf('s');
    const flagged = records.filter(({ flags }) => Object.keys(flags).length > 0);
    expect(flagged.length).toBeGreaterThan(60);
    expect(flagged.length).toBeLessThan(150);
    expect(records.every(({ metrics, flags }) => Object.keys(metrics).length + Object.keys(flags).length === 9)).toBe(
      true,
    );
    expect(flagged.every(({ flags }) => Object.values(flags).every((flag) => flag === 9))).toBe(true);
  });
});

describe('the location', () => {
  const fix: Reading = { metrics: {}, location: { lat: 42.480778123, lon: 3.17683312, alt: 1.23456 } };

  it('is the fixed one of the configuration, whatever a receiver says', async () => {
    const gps = new ScriptedPushed();
    const location = { lat: 37.9715, lon: 23.7257, alt: 70 };
    await start([station('s', [scripted(gps, [])], { location })]);
    gps.say(fix);
    await clock.advance(1000);
    expect(samplesOf('s').map((record) => record.location)).toEqual([location, location]);
  });

  it("is the receiver's newest while it is fresh, rounded, and absent before and after", async () => {
    const gps = new ScriptedPushed();
    await start([station('s', [scripted(gps, [], { staleMs: 2000 })], { location: 'gps' })]);
    await clock.advance(500);
    gps.say({ metrics: {}, location: { lat: 1, lon: 2 } });
    gps.say(fix);
    await clock.advance(3500);
    const expected = { lat: 42.4807781, lon: 3.1768331, alt: 1.23 };
    expect(samplesOf('s').map((record) => record.location)).toEqual([
      undefined,
      expected,
      expected,
      undefined,
      undefined,
    ]);
  });

  it('is none where the configuration names none', async () => {
    const gps = new ScriptedPushed();
    await start([station('s', [scripted(gps, [])])]);
    gps.say(fix);
    await clock.advance(1000);
    expect(samplesOf('s').some((record) => 'location' in record)).toBe(false);
  });
});

describe('the sampler', () => {
  it('labels by a receiver once two of its times agree', async () => {
    wall = new WallClock({ clock, isSynchronised: () => false, hardwareMs: () => undefined });
    clock.jumpWall(-START);
    const gps = new ScriptedPushed();
    await start([station('s', [scripted(gps, [])])]);
    await clock.advance(500);
    for (let second = 0; second < 2; second += 1) {
      gps.say({ metrics: {}, utcMs: START + clock.monotonicMs() });
      await clock.advance(1000);
    }
    expect(samplesOf('s').map(({ timestampMs, clock: state }) => [timestampMs, state])).toEqual([
      [0, 'unsynced'],
      [1000, 'unsynced'],
      [START + 2000, 'gps'],
    ]);
    expect(eventsOf('clock').map(({ info }) => [info?.from, info?.to])).toEqual([['unsynced', 'gps']]);
  });

  it('says where every metric comes from', async () => {
    const nmea = scripted(new ScriptedPushed(), ['depth', 'temperature'], {
      options: { port: '/dev/ttyUSB0' },
      rename: { temperature: 'water_temperature' },
    });
    await start([station('a', [nmea]), station('b', [scripted(counter('air_quality'), ['air_quality'])])]);
    expect(sampler?.sources().map(({ station: each, kind, info }) => ({ each, kind, ...info }))).toEqual([
      {
        each: 'a',
        kind: 'event',
        event: 'source',
        metric: 'depth',
        driver: 'scripted',
        port: '/dev/ttyUSB0',
        unit: 'm',
      },
      {
        each: 'a',
        kind: 'event',
        event: 'source',
        metric: 'water_temperature',
        driver: 'scripted',
        port: '/dev/ttyUSB0',
        unit: '°C',
      },
      { each: 'b', kind: 'event', event: 'source', metric: 'air_quality', driver: 'scripted' },
    ]);
  });

  it('is healthy while due ticks are run, however its sensors are, and not when the process stands still', async () => {
    await start([station('s', [scripted(new ScriptedPolled(never), ['humidity'])])]);
    for (let second = 0; second < 20; second += 1) {
      await clock.advance(1000);
      expect(sampler?.tickHealth(clock.monotonicMs())).toBeUndefined();
    }
    clock.stall(7000);
    expect(sampler?.tickHealth(clock.monotonicMs())).toBe('a tick of s was not run');
    await clock.advance(0);
    expect(sampler?.tickHealth(clock.monotonicMs())).toBeUndefined();
  });

  it('at its stop makes a last record of what sensors have said, and emits nothing afterwards', async () => {
    const gps = new ScriptedPushed();
    await start([
      station('s', [scripted(gps, ['depth'])]),
      station('quiet', [scripted(new ScriptedPushed(), ['depth'])]),
    ]);
    await clock.advance(1400);
    gps.say({ metrics: { depth: 4 } });
    await clock.advance(100);
    await stop();
    const count = observations.length;
    expect(samplesOf('s').map(({ timestampMs, metrics }) => [timestampMs - START, metrics])).toEqual([
      [0, {}],
      [1000, {}],
      [1500, { depth: 4 }],
    ]);
    expect(samplesOf('quiet').length).toBe(2);
    gps.say({ metrics: { depth: 5 } });
    await clock.advance(10_000);
    expect(observations.length).toBe(count);
  });

  it('makes 200 records a second from several stations, each at its own rate', async () => {
    const options = sim.options.parse({ profile: 'city', seed: 1 }) as unknown;
    const fast = (name: string, everyMs: number): StationSettings =>
      station(name, [settingsOf(sim, options, { everyMs })], { everyMs });
    await start([fast('a', 20), fast('b', 20), fast('c', 20), fast('d', 50), fast('e', 50), fast('f', 100)]);
    await clock.advance(59_999);
    expect(['a', 'b', 'c', 'd', 'e', 'f'].map((name) => samplesOf(name).length)).toEqual([
      3000, 3000, 3000, 1200, 1200, 600,
    ]);
    expect(observations.length).toBe(12_000);
  });
});
