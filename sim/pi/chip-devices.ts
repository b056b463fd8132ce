import type { I2cSettings } from '../../drivers/driver.ts';
import type { Clock } from '../../runtime/clock.ts';
import { Ads1115Chip } from '../chips/ads1115.ts';
import type { I2cChip, Truth } from '../chips/chip.ts';
import { type Attach, each, groupedBy, optionsOf, type Site } from './site.ts';

export interface ChipOptions {
  readonly clock: Clock;
  readonly truth: Truth;
  readonly address: number;
}

/** A chip of its own on the bus, and behind the multiplexer, that the options name. */
export function chip(make: (options: ChipOptions, more: Readonly<Record<string, unknown>>) => I2cChip): Attach {
  return each((site) => {
    const { bus, address, mux } = optionsOf<I2cSettings>(site);
    const { clock, surroundings } = site;
    site.machine.bus(bus).attach(make({ clock, truth: surroundings.truth, address }, optionsOf(site)), mux);
  });
}

/** One converter has several inputs, each with a sensor of its own. Of two against each other the second is at ground. */
export function attachAds1115(sites: readonly Site[]): void {
  for (const inputs of groupedBy(sites, (site) => JSON.stringify(placeOf(site)))) {
    const [first] = inputs;
    if (first === undefined) continue;
    const { bus, address, mux } = placeOf(first);
    const truth: Truth = (input) => {
      const site = inputs.find((each) => `input_${String(inputOf(each).channel)[0]}` === input);
      return site === undefined ? 0 : site.surroundings.truth(inputOf(site).metric);
    };
    first.machine.bus(bus).attach(new Ads1115Chip({ clock: first.clock, truth, address }), mux);
  }
}

function placeOf(site: Site): I2cSettings {
  const { bus, address, mux } = optionsOf<I2cSettings>(site);
  return { bus, address, ...(mux === undefined ? {} : { mux }) };
}

function inputOf(site: Site): { readonly channel: number | string; readonly metric: string } {
  return optionsOf(site);
}
