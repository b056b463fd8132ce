import type { I2cSettings } from '../../drivers/driver.ts';
import type { Clock } from '../../runtime/clock.ts';
import { Ads1115Chip } from '../chips/ads1115.ts';
import { Bh1750Chip } from '../chips/bh1750.ts';
import { Bme280Chip } from '../chips/bme280.ts';
import { Bmp280Chip } from '../chips/bmp280.ts';
import type { I2cChip, Truth } from '../chips/chip.ts';
import { Ina219Chip } from '../chips/ina219.ts';
import { Scd4xChip } from '../chips/scd4x.ts';
import { Sgp30Chip } from '../chips/sgp30.ts';
import { Sht3xChip } from '../chips/sht3x.ts';
import { Sht4xChip } from '../chips/sht4x.ts';
import { SimulatedOneWire } from '../one-wire.ts';
import { SimulatedSerialLine } from '../serial-line.ts';
import { NmeaTalker } from '../talkers/nmea0183.ts';
import { Pms5003Talker } from '../talkers/pms5003.ts';
import { Sds011Talker } from '../talkers/sds011.ts';
import type { Talker } from '../talkers/talker.ts';
import { furnishHost } from './host-files.ts';
import type { SimulatedMachine } from './machine.ts';
import { PulseTrain } from './pulses.ts';
import type { Surroundings, WorldTime } from './surroundings.ts';

/** What a device is put together from. */
export interface Site {
  readonly machine: SimulatedMachine;
  readonly clock: Clock;
  readonly now: WorldTime;
  readonly surroundings: Surroundings;
}

/** Puts the device that a driver expects where the driver's options say that it is. */
type Attach = (site: Site) => void;

/** By the driver's name. Those that need nothing of a machine, `sim` and `replay`, are not in it. */
export const DEVICES: Readonly<Record<string, Attach>> = {
  ads1115: attachAds1115,
  bh1750: chip((options) => new Bh1750Chip(options)),
  bme280: chip((options) => new Bme280Chip(options)),
  bmp280: chip((options) => new Bmp280Chip(options)),
  ds18b20: (site) => {
    const { device, metric } = optionsOf<{ readonly device: string; readonly metric: string }>(site);
    const { machine, clock, surroundings } = site;
    const devices = { [device]: { quantity: metric } };
    machine.oneWire.attach(new SimulatedOneWire({ clock, truth: surroundings.truth, devices }));
  },
  ina219: chip((options, { shunt_ohms }) => new Ina219Chip({ ...options, shuntOhms: shunt_ohms as number })),
  nmea0183: serial((site) => new NmeaTalker(nmeaOptions(site))),
  pms5003: serial(({ clock, surroundings: { truth } }) => new Pms5003Talker({ clock, truth }), 9600),
  'pulse-counter': attachPulses,
  scd4x: chip((options) => new Scd4xChip(options)),
  sds011: serial(({ clock, surroundings: { truth } }) => new Sds011Talker({ clock, truth }), 9600),
  sgp30: chip((options) => new Sgp30Chip(options)),
  sht3x: chip((options) => new Sht3xChip(options)),
  sht4x: chip((options) => new Sht4xChip(options)),
  system: ({ machine, now, surroundings }) => {
    const { path } = surroundings.settings.options as { readonly path: string };
    furnishHost(machine.host, path, surroundings.truth, now);
  },
};

type Options = Readonly<Record<string, unknown>>;

interface ChipOptions {
  readonly clock: Clock;
  readonly truth: Truth;
  readonly address: number;
}

function optionsOf<T>({ surroundings }: Site): T {
  return surroundings.settings.options as T;
}

/** A chip of its own on the bus and behind the multiplexer that the options name. */
function chip(make: (options: ChipOptions, more: Options) => I2cChip): Attach {
  return (site) => {
    const { bus, address, mux } = optionsOf<I2cSettings>(site);
    const { clock, surroundings } = site;
    site.machine.bus(bus).attach(make({ clock, truth: surroundings.truth, address }, optionsOf(site)), mux);
  };
}

/** One converter has several inputs, each with a sensor of its own. */
function attachAds1115(site: Site): void {
  const { bus, address, mux, channel, metric } = optionsOf<I2cSettings & { channel: number | string; metric: string }>(
    site,
  );
  const key = `${bus}/${mux?.address ?? ''}/${mux?.channel ?? ''}/${address}`;
  const shared = converters.get(site.machine) ?? new Map<string, Map<string, () => number>>();
  converters.set(site.machine, shared);
  const inputs = shared.get(key) ?? new Map<string, () => number>();
  if (!shared.has(key)) {
    shared.set(key, inputs);
    const truth: Truth = (input) => inputs.get(input)?.() ?? 0;
    site.machine.bus(bus).attach(new Ads1115Chip({ clock: site.clock, truth, address }), mux);
  }
  // Of two inputs against each other the second is at ground.
  inputs.set(`input_${String(channel)[0]}`, () => site.surroundings.truth(metric));
}

const converters = new WeakMap<SimulatedMachine, Map<string, Map<string, () => number>>>();

/** A talker on the serial port that the options name, at its own speed or the one that they say. */
function serial(make: (site: Site) => Talker, ownBaud?: number): Attach {
  return (site) => {
    const { port, baud = ownBaud } = optionsOf<{ readonly port: string; readonly baud?: number }>(site);
    site.machine.attachSerial(port, new SimulatedSerialLine(make(site), baud === undefined ? {} : { baud }));
  };
}

function nmeaOptions({ clock, now, surroundings }: Site): ConstructorParameters<typeof NmeaTalker>[0] {
  const metrics = new Set<string>([...surroundings.known, 'lat', 'lon']);
  const knows = (quantity: string): boolean => metrics.has(quantity) && surroundings.knows(quantity);
  return { clock, truth: surroundings.truth, knows, utcMs: now };
}

function attachPulses(site: Site): void {
  const { machine, clock, surroundings } = site;
  const { gpio, per_pulse, per_hz } = optionsOf<{ gpio: string; per_pulse?: number; per_hz?: number }>(site);
  const line = machine.line(gpio);
  const [metric] = surroundings.known;
  if (metric === undefined) return;
  const rateHz = (): number => {
    const value = Math.max(0, surroundings.truth(metric));
    if (per_hz !== undefined) return value / per_hz;
    return (value * 1000) / surroundings.settings.everyMs / (per_pulse as number);
  };
  const train = new PulseTrain(line, clock, rateHz, 0.5);
  train.start();
  machine.onClose(() => train.stop());
}
