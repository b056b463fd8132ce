import { z } from 'zod';
import { Sampler, type SamplerOptions } from '../daemon/sampling/sampler.ts';
import type { SensorSettings, StationSettings } from '../daemon/sampling/station.ts';
import { WallClock } from '../daemon/sampling/wall.ts';
import type { AnyDriver, Sensor } from '../drivers/driver.ts';
import type { Observation } from '../protocol/record.ts';
import { silentLog } from '../runtime/log.ts';
import { SeededRandom } from '../runtime/random.ts';
import { SteppedClock } from '../sim/clock.ts';
import { ScriptedPolled } from '../sim/scripted-sensors.ts';
import { NoPorts } from './no-ports.ts';

export const START = Date.UTC(2026, 0, 1, 0, 0, 0, 0);
export const DAY_MS = 86_400_000;

type Emitted = Observation & { readonly atMs: number; readonly urgent: boolean };

/** The sampler as the daemon uses it: stations and sensors on a stepped clock, records out. */
export class SamplerStage {
  readonly clock = new SteppedClock(START);
  wall = new WallClock({
    clock: this.clock,
    isSynchronised: () => true,
    hardwareMs: async () => await Promise.resolve(undefined),
  });
  sampler: Sampler | undefined;
  readonly observations: Emitted[] = [];

  async start(stations: readonly StationSettings[], more: Partial<SamplerOptions> = {}): Promise<void> {
    const { clock, wall, observations } = this;
    this.sampler = new Sampler({
      stations,
      metrics: [],
      clock,
      random: new SeededRandom(1),
      log: silentLog,
      ports: new NoPorts(),
      source: wall,
      emit: (observation, { urgent }) => observations.push({ ...observation, atMs: clock.monotonicMs(), urgent }),
      ...more,
    });
    const started = this.sampler.start();
    await clock.advance(0);
    await started;
  }

  async stop(): Promise<void> {
    const stopped = this.sampler?.stop();
    await this.clock.advance(5000);
    await stopped;
    this.sampler = undefined;
  }

  samplesOf(name: string): readonly Emitted[] {
    return this.observations.filter(({ station: each, kind }) => each === name && kind === 'sample');
  }

  eventsOf(event: string): readonly Emitted[] {
    return this.observations.filter(({ info }) => info?.event === event);
  }
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

export function settingsOf(driver: AnyDriver, options: unknown, more: Partial<SensorSettings> = {}): SensorSettings {
  return { driver, options, everyMs: 1000, deadlineMs: 500, staleMs: 10_000, rename: {}, ...more };
}

export function scripted(
  sensor: Sensor,
  metrics: readonly string[],
  more: Partial<SensorSettings> = {},
): SensorSettings {
  return settingsOf(driverOf(sensor, metrics), {}, more);
}

export function station(
  name: string,
  sensors: readonly SensorSettings[],
  more: Partial<StationSettings> = {},
): StationSettings {
  return { name, everyMs: 1000, location: undefined, sensors, ...more };
}

/** A sensor whose samples count from 1. */
export function counter(metric: string): ScriptedPolled {
  let count = 0;
  return new ScriptedPolled(async () => {
    count += 1;
    return await Promise.resolve({ metrics: { [metric]: count } });
  });
}

/** A call that does not come back. */
export const never = async (): Promise<never> => await new Promise<never>(() => undefined);
