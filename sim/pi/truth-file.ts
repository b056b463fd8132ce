import type { StationSettings } from '../../daemon/sampling/station.ts';
import type { MetricValue } from '../../protocol/record.ts';
import type { Clock } from '../../runtime/clock.ts';
import { every } from '../talkers/talker.ts';
import type { World } from '../world/world.ts';
import type { Surroundings, WorldTime } from './surroundings.ts';

/** Takes the lines of a truth file. */
export interface TruthSink {
  write(text: string): unknown;
}

/** A station of the configuration, its sensors, and the world that they stand in. */
export interface StationSite {
  readonly station: StationSettings;
  readonly world: World;
  readonly sensors: readonly Surroundings[];
}

const SECOND_MS = 1000;

/** What is true of a station at a moment, as its records should have it: values by the names in records, and the place. */
export function truthOf({ station, world, sensors }: StationSite, timeMs: number): Readonly<Record<string, unknown>> {
  const metrics: Record<string, MetricValue> = {};
  for (const surroundings of sensors) {
    for (const metric of surroundings.metrics) {
      metrics[surroundings.settings.rename[metric] ?? metric] = surroundings.trueAt(metric, timeMs);
    }
  }
  const { lat, lon } = world;
  const location = lat === undefined || lon === undefined ? {} : { location: { lat: lat(timeMs), lon: lon(timeMs) } };
  return { station: station.name, timestamp: new Date(timeMs).toISOString(), ...location, ...metrics };
}

/**
 * Writes what is true at each whole second of world time, NDJSON, a line a station: the witness of what records say. Values
 * between two seconds are as good as on the line between them. Returns what ends it.
 */
export function writeTruth(sites: readonly StationSite[], sink: TruthSink, clock: Clock, now: WorldTime): () => void {
  let stop = (): void => undefined;
  const untilSecondMs = SECOND_MS - (now() % SECOND_MS);
  const cancel = clock.after(untilSecondMs, () => {
    write();
    stop = every(clock, SECOND_MS, write);
  });
  const write = (): void => {
    const timeMs = Math.round(now() / SECOND_MS) * SECOND_MS;
    for (const site of sites) sink.write(`${JSON.stringify(truthOf(site, timeMs))}\n`);
  };
  return () => {
    cancel();
    stop();
  };
}
