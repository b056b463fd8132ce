import { isDeepStrictEqual } from 'node:util';
import type { Place, SerialFormat } from '../../drivers/driver.ts';
import { parseLine } from '../../drivers/gpio-line.ts';
import { hex } from '../../drivers/i2c-options.ts';
import { BOUNDS } from '../../protocol/record.ts';
import type { Path } from '../../runtime/config/document.ts';
import type { ConfigReader } from '../../runtime/config/reader.ts';
import type { SensorRead } from './sensors.ts';

/** Something that has a place for itself. */
interface Use<AnyPlace extends Place = Place> {
  readonly place: AnyPlace;
  /** The sensor, actuator or button. */
  readonly owner: Path;
  /** Of the key that says the place, or of the owner where that has been left to its default. */
  readonly line: number;
  /** Name of the sensor's driver. */
  readonly driver?: string;
}

type ChipPlace = Extract<Place, { kind: 'i2c' }>;

/**
 * Reports what two of the sensors, actuators and buttons want for themselves, and chips that would answer together. Places
 * are compared as they are written: whether `GPIO17` is `pinctrl-bcm2711/17`, or two paths one port, only the machine knows.
 */
export function checkPlaces(reader: ConfigReader, sensors: readonly SensorRead[]): void {
  const uses = [
    ...sensors.flatMap((sensor) => usesOf(reader, sensor)),
    ...linesOf(reader, 'actuators'),
    ...linesOf(reader, 'buttons'),
  ];
  // Of two, the one further down is told of the other.
  uses.sort((a, b) => a.line - b.line);
  for (const sharers of Map.groupBy(uses, ({ place }) => textOf(place)).values()) checkSharers(reader, sharers);
  checkMultiplexers(reader, uses.filter(isOfChip));
  for (const use of uses) checkPath(reader, use);
}

/** The path of a port stands in records, as the source of a metric. */
function checkPath(reader: ConfigReader, { place, owner }: Use): void {
  if (place.kind !== 'serial' || Buffer.byteLength(place.path) <= BOUNDS.infoTextBytes) return;
  const message = `a path of ${Buffer.byteLength(place.path)} bytes, ${BOUNDS.infoTextBytes} are allowed`;
  reader.report([...owner, ...place.at], 'value', message, 'Records have to tell it: one under /dev is shorter.');
}

function usesOf(reader: ConfigReader, { driver, options, path }: SensorRead): Use[] {
  return (driver.places?.(options) ?? []).map((place) => useOf(reader, path, place, driver.name));
}

/** Also those of actuators and buttons that are wrong otherwise. */
function linesOf(reader: ConfigReader, part: string): Use[] {
  return Object.keys(reader.mappingAt([part]) ?? {}).flatMap((name) => {
    const line = reader.valueAt([part, name, 'gpio']);
    return typeof line === 'string' ? [useOf(reader, [part, name], { kind: 'gpio', at: ['gpio'], line })] : [];
  });
}

function useOf(reader: ConfigReader, owner: Path, place: Place, driver?: string): Use {
  const line = reader.lineOf([...owner, ...place.at]);
  return { place, owner, line, ...(driver === undefined ? {} : { driver }) };
}

function isOfChip(use: Use): use is Use<ChipPlace> {
  return use.place.kind === 'i2c';
}

/** The same for two places where they are one. */
function textOf(place: Place): string {
  switch (place.kind) {
    case 'i2c': {
      const { bus, address, mux } = place.settings;
      return JSON.stringify([place.kind, bus, mux?.address, mux?.channel, address]);
    }
    case 'serial':
      return JSON.stringify([place.kind, place.path]);
    case 'gpio':
      return JSON.stringify([place.kind, parseLine(place.line) ?? place.line]);
    case 'one_wire':
      return JSON.stringify([place.kind, place.device]);
  }
}

/** Reports those at one place that clash with one above them. */
function checkSharers(reader: ConfigReader, sharers: readonly Use[]): void {
  const rightful: Use[] = [];
  for (const use of sharers) {
    const clash = rightful.map((each) => clashOf(each, use)).find((each) => each !== undefined);
    if (clash === undefined) rightful.push(use);
    else reader.report([...use.owner, ...(clash.at ?? use.place.at)], 'value', clash.message, clash.hint);
  }
}

interface Clash {
  /** The key that is wrong; left out: the one that says the place. */
  readonly at?: readonly string[];
  readonly message: string;
  readonly hint: string;
}

/** What is wrong with the second of two uses of one place; undefined: they may share it. */
function clashOf(first: Use, { place, driver }: Use): Clash | undefined {
  const { place: taken, line } = first;
  const isUsed = `is used in line ${line} already`;
  if (place.kind === 'gpio') return { message: isUsed, hint: 'One line, one use.' };
  if (place.kind === 'one_wire') return { message: isUsed, hint: 'One device, one sensor: `ls /sys/bus/w1/devices`.' };
  if (place.kind === 'serial') {
    if (taken.kind === 'serial' && taken.shared !== undefined && place.shared !== undefined) {
      return isDeepStrictEqual(taken.shared, place.shared) ? undefined : clashOfFormats(taken.shared, line);
    }
    return { message: isUsed, hint: 'One port, one sensor; only Modbus devices share a line.' };
  }
  const { input, settings } = place;
  if (input !== undefined && taken.kind === 'i2c' && taken.input !== undefined && driver === first.driver) {
    if (input.name !== taken.input.name) return undefined;
    const hint = `One input, one sensor: another ${keyInWords(input.at)}, or another chip.`;
    return { at: input.at, message: `this input of the chip is read in line ${line} already`, hint };
  }
  const message = `the chip at ${hex(settings.address)} of ${settings.bus} is read in line ${line} already`;
  return { message, hint: 'One chip, one sensor: look at `address`, `bus` and `mux`, or remove one.' };
}

function clashOfFormats({ baud, parity, stopBits }: SerialFormat, line: number): Clash {
  return {
    message: `line ${line} uses it with \`baud: ${baud}\`, \`parity: ${parity}\`, \`stop_bits: ${stopBits}\``,
    hint: 'Devices on one line have these three in common.',
  };
}

function keyInWords(at: readonly string[]): string {
  return `\`${at.join('.')}\``;
}

/**
 * Reports addresses at which two answer: what stands in front of a multiplexer, and the multiplexer itself, hears everything
 * that is said to a chip behind it, or behind another one of the bus.
 */
function checkMultiplexers(reader: ConfigReader, chips: readonly Use<ChipPlace>[]): void {
  for (const ofBus of Map.groupBy(chips, ({ place }) => place.settings.bus).values()) checkBus(reader, ofBus);
}

function checkBus(reader: ConfigReader, chips: readonly Use<ChipPlace>[]): void {
  /** The line in which something in front is first named, by its address. */
  const inFront = new Map<number, number>();
  const multiplexers = new Map<number, number>();
  for (const { place, owner, line } of chips) {
    const { address, mux } = place.settings;
    if (mux === undefined) inFront.set(address, inFront.get(address) ?? line);
    else if (!multiplexers.has(mux.address)) multiplexers.set(mux.address, reader.lineOf([...owner, 'mux', 'address']));
  }
  for (const { place, owner } of chips) {
    const { address, mux } = place.settings;
    const at = [...owner, ...place.at];
    const multiplexer = multiplexers.get(address);
    const chip = mux === undefined ? undefined : inFront.get(address);
    if (multiplexer !== undefined) {
      const message = `the multiplexer in line ${multiplexer} is at ${hex(address)} of this bus`;
      reader.report(at, 'value', message, 'Two answer there: give one of them another address.');
    } else if (chip !== undefined) {
      const message = `the chip in line ${chip}, which stands behind no multiplexer, is at ${hex(address)} of this bus`;
      reader.report(
        at,
        'value',
        message,
        'Both would answer: give one of them another address, or put both behind channels.',
      );
    }
  }
}
