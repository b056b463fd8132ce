import type { StationSettings } from '../../daemon/sampling/station.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Log } from '../../runtime/log.ts';
import { buoyWorld } from '../world/buoy.ts';
import { cityWorld } from '../world/city.ts';
import { machineWorld } from '../world/machine.ts';
import type { World } from '../world/world.ts';
import { DEVICES } from './devices.ts';
import { uptimeS } from './host-files.ts';
import { SimulatedMachine } from './machine.ts';
import type { Site } from './site.ts';
import { Surroundings, type WorldTime } from './surroundings.ts';
import { type StationSite, type TruthSink, writeTruth } from './truth-file.ts';

/** What of a gateway's configuration a machine is made from. */
export interface SimulatedConfig {
  readonly stations: readonly StationSettings[];
}

export interface SimulationOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Another seed is another world. Default 1. */
  readonly seed?: number;
  /** Takes what is true at each second. */
  readonly truth?: TruthSink;
}

/** A machine, and what is true around its stations. */
export interface Simulation {
  readonly machine: SimulatedMachine;
  readonly sites: readonly StationSite[];
  readonly now: WorldTime;
}

/**
 * A whole Raspberry Pi for a configuration: on every bus and port that it names stands a model of the device that its driver
 * expects, in one world per station. A station whose place comes from GPS is a buoy, every other stands in a city.
 */
export function simulate(config: SimulatedConfig, { clock, log, seed = 1, truth }: SimulationOptions): Simulation {
  const beganMs = clock.wallMs();
  const offsetMs = beganMs - clock.monotonicMs();
  const now: WorldTime = () => clock.monotonicMs() + offsetMs;
  const machine = new SimulatedMachine(clock);
  const pi = { ...machineWorld(seed), uptime: (timeMs: number) => uptimeS(beganMs, timeMs) };
  const sites = config.stations.map((station, index): StationSite => {
    const world = { ...worldOf(station, seed + index), ...pi };
    const sensors = station.sensors.map((sensor) => new Surroundings(station, sensor, world, now));
    return { station, world, sensors };
  });
  const all = sites.flatMap(({ sensors }) => sensors.map((surroundings) => ({ machine, clock, now, surroundings })));
  for (const name of new Set(all.map((site) => driverOf(site)))) {
    const attach = DEVICES[name];
    if (attach !== undefined) attach(all.filter((site) => driverOf(site) === name));
    else if (!NEEDS_NOTHING.has(name)) log.warn({ driver: name }, 'a driver has no simulated device');
  }
  for (let number = HEADER_LINES[0]; number <= HEADER_LINES[1]; number += 1) machine.line(`GPIO${number}`);
  // As a scan finds them: `ls /dev/i2c-*`, `ls /dev/serial/by-id`.
  for (const path of [...machine.buses.map((bus) => `/dev/${bus}`), ...machine.serialPaths])
    machine.host.file(path, '');
  if (truth !== undefined) machine.onClose(writeTruth(sites, truth, clock, now));
  return { machine, sites, now };
}

/** GPIO lines on the pins of a Raspberry Pi. */
const HEADER_LINES = [2, 27] as const;
/** Drivers without hardware. */
const NEEDS_NOTHING: ReadonlySet<string> = new Set(['replay', 'sim']);

function driverOf({ surroundings }: Site): string {
  return surroundings.settings.driver.name;
}

function worldOf({ location }: StationSettings, seed: number): World {
  if (location === 'gps') return buoyWorld(seed);
  return cityWorld(seed, ...(location === undefined ? [] : [location]));
}
