/** The sampler as the daemon uses it: places, events, the end. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StationSettings } from '../../daemon/sampling/station.ts';
import { WallClock } from '../../daemon/sampling/wall.ts';
import type { Reading } from '../../drivers/driver.ts';
import { sim } from '../../drivers/sim/sim.ts';
import { ScriptedPolled, ScriptedPushed } from '../../sim/scripted-sensors.ts';
import { counter, never, SamplerStage, START, scripted, settingsOf, station } from '../sampler-stage.ts';

let stage: SamplerStage;
beforeEach(() => {
  stage = new SamplerStage();
});
afterEach(async () => {
  await stage.stop();
});

describe('the location', () => {
  const fix: Reading = { metrics: {}, location: { lat: 42.480778123, lon: 3.17683312, alt: 1.23456 } };

  it('is the fixed one of the configuration, whatever a receiver says', async () => {
    const gps = new ScriptedPushed();
    const location = { lat: 37.9715, lon: 23.7257, alt: 70 };
    await stage.start([station('s', [scripted(gps, [])], { location })]);
    gps.say(fix);
    await stage.clock.advance(1000);
    expect(stage.samplesOf('s').map((record) => record.location)).toEqual([location, location]);
  });

  it("is the receiver's newest while it is fresh, rounded, and absent before and after", async () => {
    const gps = new ScriptedPushed();
    await stage.start([station('s', [scripted(gps, [], { staleMs: 2000 })], { location: 'gps' })]);
    await stage.clock.advance(500);
    gps.say({ metrics: {}, location: { lat: 1, lon: 2 } });
    gps.say(fix);
    await stage.clock.advance(3500);
    const expected = { lat: 42.4807781, lon: 3.1768331, alt: 1.23 };
    expect(stage.samplesOf('s').map((record) => record.location)).toEqual([
      undefined,
      expected,
      expected,
      undefined,
      undefined,
    ]);
  });

  it('is none where the configuration names none', async () => {
    const gps = new ScriptedPushed();
    await stage.start([station('s', [scripted(gps, [])])]);
    gps.say(fix);
    await stage.clock.advance(1000);
    expect(stage.samplesOf('s').some((record) => 'location' in record)).toBe(false);
  });
});

describe('the sampler', () => {
  it('labels by a receiver once two of its times agree', async () => {
    stage.wall = new WallClock({
      clock: stage.clock,
      isSynchronised: () => false,
      hardwareMs: async () => await Promise.resolve(undefined),
    });
    stage.clock.jumpWall(-START);
    const gps = new ScriptedPushed();
    await stage.start([station('s', [scripted(gps, [])])]);
    await stage.clock.advance(500);
    for (let second = 0; second < 2; second += 1) {
      gps.say({ metrics: {}, utcMs: START + stage.clock.monotonicMs() });
      await stage.clock.advance(1000);
    }
    expect(stage.samplesOf('s').map(({ timestampMs, clock: state }) => [timestampMs, state])).toEqual([
      [0, 'unsynced'],
      [1000, 'unsynced'],
      [START + 2000, 'gps'],
    ]);
    expect(stage.eventsOf('clock').map(({ info }) => [info?.from, info?.to])).toEqual([['unsynced', 'gps']]);
  });

  it('says where every metric comes from', async () => {
    const nmea = scripted(new ScriptedPushed(), ['depth', 'temperature'], {
      options: { port: '/dev/ttyUSB0' },
      rename: { temperature: 'water_temperature' },
    });
    await stage.start([station('a', [nmea]), station('b', [scripted(counter('air_quality'), ['air_quality'])])]);
    expect(stage.sampler?.sources().map(({ station: each, kind, info }) => ({ each, kind, ...info }))).toEqual([
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
    await stage.start([station('s', [scripted(new ScriptedPolled(never), ['humidity'])])]);
    for (let second = 0; second < 20; second += 1) {
      await stage.clock.advance(1000);
      expect(stage.sampler?.tickHealth(stage.clock.monotonicMs())).toBeUndefined();
    }
    stage.clock.stall(7000);
    expect(stage.sampler?.tickHealth(stage.clock.monotonicMs())).toBe('a tick of s was not run');
    await stage.clock.advance(0);
    expect(stage.sampler?.tickHealth(stage.clock.monotonicMs())).toBeUndefined();
  });

  it('at its stop makes a last record of what sensors have said, and emits nothing afterwards', async () => {
    const gps = new ScriptedPushed();
    await stage.start([
      station('s', [scripted(gps, ['depth'])]),
      station('quiet', [scripted(new ScriptedPushed(), ['depth'])]),
    ]);
    await stage.clock.advance(1400);
    gps.say({ metrics: { depth: 4 } });
    await stage.clock.advance(100);
    await stage.stop();
    const count = stage.observations.length;
    expect(stage.samplesOf('s').map(({ timestampMs, metrics }) => [timestampMs - START, metrics])).toEqual([
      [0, {}],
      [1000, {}],
      [1500, { depth: 4 }],
    ]);
    expect(stage.samplesOf('quiet').length).toBe(2);
    gps.say({ metrics: { depth: 5 } });
    await stage.clock.advance(10_000);
    expect(stage.observations.length).toBe(count);
  });

  it('makes 200 records a second from several stations, each at its own rate', async () => {
    const options = sim.options.parse({ profile: 'city', seed: 1 }) as unknown;
    const fast = (name: string, everyMs: number): StationSettings =>
      station(name, [settingsOf(sim, options, { everyMs })], { everyMs });
    await stage.start([fast('a', 20), fast('b', 20), fast('c', 20), fast('d', 50), fast('e', 50), fast('f', 100)]);
    await stage.clock.advance(59_999);
    expect(['a', 'b', 'c', 'd', 'e', 'f'].map((name) => stage.samplesOf(name).length)).toEqual([
      3000, 3000, 3000, 1200, 1200, 600,
    ]);
    expect(stage.observations.length).toBe(12_000);
  });
});
