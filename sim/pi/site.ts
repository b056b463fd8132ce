import type { Clock } from '../../runtime/clock.ts';
import type { SimulatedMachine } from './machine.ts';
import type { Surroundings, WorldTime } from './surroundings.ts';

/** What the device of one sensor is put together from. */
export interface Site {
  readonly machine: SimulatedMachine;
  readonly clock: Clock;
  readonly now: WorldTime;
  readonly surroundings: Surroundings;
}

/** Puts the devices of a driver's sensors where their options say that they are. */
export type Attach = (sites: readonly Site[]) => void;

/** The driver's options of a sensor. */
export function optionsOf<T>({ surroundings }: Site): T {
  return surroundings.settings.options as T;
}

/** Devices of their own, one a sensor. */
export function each(attach: (site: Site) => void): Attach {
  return (sites) => {
    for (const site of sites) attach(site);
  };
}

/** Sites that have something in common, by its name. */
export function groupedBy(sites: readonly Site[], keyOf: (site: Site) => string): Site[][] {
  const groups = new Map<string, Site[]>();
  for (const site of sites) groups.set(keyOf(site), [...(groups.get(keyOf(site)) ?? []), site]);
  return [...groups.values()];
}
