import { Bh1750Chip } from '../chips/bh1750.ts';
import { Bme280Chip } from '../chips/bme280.ts';
import { Bmp280Chip } from '../chips/bmp280.ts';
import { Ina219Chip } from '../chips/ina219.ts';
import { Mcp9808Chip } from '../chips/mcp9808.ts';
import { Scd4xChip } from '../chips/scd4x.ts';
import { Sgp30Chip } from '../chips/sgp30.ts';
import { Sht3xChip } from '../chips/sht3x.ts';
import { Sht4xChip } from '../chips/sht4x.ts';
import { SimulatedOneWire } from '../one-wire.ts';
import { Pms5003Talker } from '../talkers/pms5003.ts';
import { Sds011Talker } from '../talkers/sds011.ts';
import { attachAds1115, chip } from './chip-devices.ts';
import { furnishHost } from './host-files.ts';
import { attachModbus } from './modbus-devices.ts';
import { PulseTrain } from './pulses.ts';
import { lines, nmea, serial } from './serial-devices.ts';
import { type Attach, each, optionsOf, type Site } from './site.ts';

/** What each driver expects to find, by its name. Those that need nothing of a machine, `sim` and `replay`, are not in it. */
export const DEVICES: Readonly<Record<string, Attach>> = {
  ads1115: attachAds1115,
  bh1750: chip((options) => new Bh1750Chip(options)),
  bme280: chip((options) => new Bme280Chip(options)),
  bmp280: chip((options) => new Bmp280Chip(options)),
  ds18b20: each(attachDs18b20),
  ina219: chip((options, { shunt_ohms }) => new Ina219Chip({ ...options, shuntOhms: shunt_ohms as number })),
  mcp9808: chip((options) => new Mcp9808Chip(options)),
  modbus: attachModbus,
  nmea0183: serial(nmea),
  pms5003: serial(({ clock, surroundings: { truth } }) => new Pms5003Talker({ clock, truth }), 9600),
  'pulse-counter': each(attachPulses),
  scd4x: chip((options) => new Scd4xChip(options)),
  sds011: serial(({ clock, surroundings: { truth } }) => new Sds011Talker({ clock, truth }), 9600),
  'serial-lines': serial(lines),
  sgp30: chip((options) => new Sgp30Chip(options)),
  sht3x: chip((options) => new Sht3xChip(options)),
  sht4x: chip((options) => new Sht4xChip(options)),
  system: each((site) => {
    const { path } = optionsOf<{ readonly path: string }>(site);
    furnishHost(site.machine.host, path, site.surroundings.truth, site.now);
  }),
};

function attachDs18b20(site: Site): void {
  const { device, metric } = optionsOf<{ readonly device: string; readonly metric: string }>(site);
  const { machine, clock, surroundings } = site;
  const devices = { [device]: { quantity: metric } };
  machine.oneWire.attach(new SimulatedOneWire({ clock, truth: surroundings.truth, devices }));
}

/** A contact that closes as often as its metric says. */
function attachPulses(site: Site): void {
  const { machine, clock, surroundings } = site;
  const { gpio, per_pulse, per_hz } = optionsOf<{ gpio: string; per_pulse?: number; per_hz?: number }>(site);
  const [metric = ''] = surroundings.metrics;
  const rateHz = (): number => {
    const value = Math.max(0, surroundings.truth(metric));
    if (per_hz !== undefined) return value / per_hz;
    return (value * 1000) / surroundings.settings.everyMs / (per_pulse as number);
  };
  const train = new PulseTrain(machine.line(gpio), clock, rateHz, 0.5);
  train.start();
  machine.onClose(() => train.stop());
}
