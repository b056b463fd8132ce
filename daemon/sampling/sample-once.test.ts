import { beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { AnyDriver, Reading, Sensor } from '../../drivers/driver.ts';
import { MooringError } from '../../runtime/errors.ts';
import { silentLog } from '../../runtime/log.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { SteppedClock } from '../../sim/clock.ts';
import { ScriptedPolled, ScriptedPushed } from '../../sim/scripted-sensors.ts';
import { NoPorts } from '../../test/no-ports.ts';
import { type SampledOnce, sampleOnce } from './sample-once.ts';
import type { SensorSettings, StationSettings } from './station.ts';
import { WallClock } from './wall.ts';

const START = Date.UTC(2026, 0, 1);
const never = async (): Promise<never> => await new Promise<never>(() => undefined);

describe('sampling once', () => {
  let clock: SteppedClock;
  beforeEach(() => {
    clock = new SteppedClock(START);
  });

  async function sample(stations: readonly StationSettings[], during: () => Promise<void>): Promise<SampledOnce> {
    const sampled = sampleOnce({
      stations,
      metrics: [],
      clock,
      random: new SeededRandom(1),
      log: silentLog,
      ports: new NoPorts(),
      source: new WallClock({
        clock,
        isSynchronised: () => true,
        hardwareMs: async () => await Promise.resolve(undefined),
      }),
    });
    await during();
    return await sampled;
  }

  function scripted(sensor: Sensor, metrics: readonly string[]): SensorSettings {
    const driver: AnyDriver = {
      name: 'scripted',
      summary: 'a test',
      options: z.strictObject({}),
      metrics: () => metrics.map((name) => ({ name })),
      create: () => sensor,
    };
    return { driver, options: {}, everyMs: 1000, deadlineMs: 500, staleMs: 10_000, rename: {} };
  }

  const station = (name: string, ...sensors: SensorSettings[]): StationSettings => {
    return { name, everyMs: 1000, location: 'gps', sensors };
  };

  it('asks each polled sensor once, listens to the others for a while after their first word, and closes all', async () => {
    const polled = new ScriptedPolled(async () => await Promise.resolve({ metrics: { temperature: 21.239 } }));
    const pushed = new ScriptedPushed();
    const sampled = await sample(
      [station('a', scripted(polled, ['temperature']), scripted(pushed, ['depth', 'heading', 'hdop']))],
      async () => {
        await clock.advance(6000);
        pushed.say({ metrics: { depth: 3 }, missing: ['heading', 'depth'] });
        await clock.advance(1500);
        pushed.say({ metrics: { depth: 4 }, location: { lat: 1.23456789, lon: 2 } });
        await clock.advance(500);
      },
    );
    expect(sampled).toEqual({
      observations: [
        {
          station: 'a',
          kind: 'sample',
          timestampMs: START + 8000,
          clock: 'synced',
          metrics: { temperature: 21.24, depth: 4 },
          flags: { heading: 9 },
          location: { lat: 1.2345679, lon: 2 },
        },
      ],
      failures: [],
      timings: [
        { station: 'a', sensor: 'scripted', openMs: 0, sampleMs: 0 },
        { station: 'a', sensor: 'scripted-2', openMs: 0, sampleMs: 8000 },
      ],
    });
    expect(polled.calls).toEqual(['open', 'sample', 'close']);
    expect(pushed.calls).toEqual(['open', 'close']);
  });

  it('names each sensor that failed, flags what it should have given, and waits for none for ever', async () => {
    const absent = new ScriptedPolled(never, {
      open: async () => await Promise.reject(new MooringError('PORT_ABSENT', 'no such port')),
    });
    const sampled = await sample(
      [
        station('a', scripted(absent, ['temperature']), scripted(new ScriptedPolled(never), ['humidity'])),
        station(
          'b',
          scripted(new ScriptedPushed(), ['depth']),
          scripted(new ScriptedPolled(never, { open: never }), ['co2']),
        ),
      ],
      async () => await clock.advance(20_000),
    );
    expect(sampled.observations.map(({ station: name, metrics, flags }) => [name, metrics, flags])).toEqual([
      ['a', {}, { temperature: 9, humidity: 9 }],
      ['b', {}, { depth: 9, co2: 9 }],
    ]);
    const failures = sampled.failures.map(({ station: name, sensor, error }) => [
      name,
      sensor,
      error.code,
      error.context,
    ]);
    expect(failures.sort()).toEqual([
      ['a', 'scripted', 'PORT_ABSENT', {}],
      ['a', 'scripted-2', 'DEADLINE', { what: 'sample', limitMs: 500 }],
      ['b', 'scripted', 'DEADLINE', { what: 'readings', limitMs: 10_000 }],
      ['b', 'scripted-2', 'DEADLINE', { what: 'open', limitMs: 10_000 }],
    ]);
  });

  it('says why a sensor that is well has no value yet, as its driver does, and not once there is one', async () => {
    const cold = { metrics: {}, missing: ['pm10'], why: 'warming up' };
    const asSaid = async (...readings: readonly Reading[]): Promise<readonly (string | undefined)[]> => {
      const pushed = new ScriptedPushed();
      const sampled = await sample([station('a', scripted(pushed, ['pm10']))], async () => {
        await clock.advance(1000);
        for (const reading of readings) pushed.say(reading);
        await clock.advance(2000);
      });
      expect(sampled.failures).toEqual([]);
      return sampled.timings.map(({ why }) => why);
    };
    expect(await asSaid(cold)).toEqual(['warming up']);
    expect(await asSaid(cold, { metrics: { pm10: 7 } })).toEqual([undefined]);
  });

  it('asks a slow chip again until it has its first value, and says how long that took', async () => {
    const slow = new ScriptedPolled(
      async () => await Promise.resolve(clock.monotonicMs() < 5000 ? { metrics: {} } : { metrics: { co2: 600 } }),
    );
    const sampled = await sample([station('a', scripted(slow, ['co2']))], async () => await clock.advance(6000));
    expect(sampled.observations[0]?.metrics).toEqual({ co2: 600 });
    expect(sampled.timings).toEqual([{ station: 'a', sensor: 'scripted', openMs: 0, sampleMs: 5000 }]);
  });
});
