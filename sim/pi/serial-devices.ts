import type { Truth } from '../chips/chip.ts';
import { SimulatedSerialLine } from '../serial-line.ts';
import { LineTalker } from '../talkers/lines.ts';
import { NmeaTalker } from '../talkers/nmea0183.ts';
import type { Talker } from '../talkers/talker.ts';
import { type Attach, each, optionsOf, type Site } from './site.ts';

/** A talker on the serial port that the options name, at its own speed or the one that they say. */
export function serial(make: (site: Site) => Talker, ownBaud?: number): Attach {
  return each((site) => {
    const { port, baud = ownBaud } = optionsOf<{ readonly port: string; readonly baud?: number }>(site);
    site.machine.attachSerial(port, new SimulatedSerialLine(make(site), baud === undefined ? {} : { baud }));
  });
}

/** The instruments that the driver's metrics come from, and a receiver. */
export function nmea(site: Site): Talker {
  const { clock, now, surroundings } = site;
  const { xdr_names: names } = optionsOf<{ readonly xdr_names: Readonly<Record<string, string | undefined>> }>(site);
  const said = new Set(surroundings.metrics);
  const knows = (quantity: string): boolean =>
    said.has(quantity) || (PLACE.has(quantity) && surroundings.knows(quantity));
  return new NmeaTalker({ clock, truth: surroundings.truth, knows, utcMs: now, names });
}

/** What a receiver says whoever listens. */
const PLACE: ReadonlySet<string> = new Set(['lat', 'lon']);

interface LineOptions {
  readonly format: 'csv' | 'json' | 'key-value';
  readonly separator: string;
  readonly checksum: 'none' | 'xor';
  readonly values: readonly {
    readonly metric: string;
    readonly scale: number;
    readonly offset: number;
    readonly column?: number;
    readonly key?: string;
  }[];
}

/** A board that prints what the driver's options expect, columns between them as 0. */
export function lines(site: Site): Talker {
  const { format, separator, checksum, values } = optionsOf<LineOptions>(site);
  const columns = Math.max(...values.map(({ column = 0 }) => column));
  const numbered = Array.from({ length: columns }, (_, index) => String(index + 1));
  const quantities = format === 'csv' ? numbered : values.map(({ key = '' }) => key);
  const truth: Truth = (quantity) => {
    const value = values.find(({ column, key }) => (key ?? String(column)) === quantity);
    return value === undefined ? 0 : (site.surroundings.truth(value.metric) - value.offset) / value.scale;
  };
  const hasChecksum = checksum === 'xor';
  return new LineTalker({ clock: site.clock, truth, quantities, format, separator, hasChecksum });
}
