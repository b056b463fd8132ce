import type { Buses } from '../../daemon/buses/buses.ts';
import type { Machine } from '../../daemon/buses/machine.ts';
import type { GatewayConfig } from '../../daemon/config/types.ts';
import type { AnyDriver, I2cSettings } from '../../drivers/driver.ts';
import { MooringError } from '../../runtime/errors.ts';

/** Where a part stands in the configuration: `city-1: bme280`, `actuator red`. */
export type UsedBy = string;

export interface FoundChip extends I2cSettings {
  /** Whether it acknowledges its address, or the question what it is. */
  readonly answers: boolean;
  /** The drivers that recognise it; more than one where chips answer alike. */
  readonly recognised: readonly string[];
  /** Drivers of chips that can have this address, of which none is recognised. */
  readonly possible: readonly string[];
  readonly usedBy?: UsedBy;
}

export interface FoundBus {
  readonly bus: string;
  readonly chips: readonly FoundChip[];
  /** Why it could not be scanned. */
  readonly error?: string;
}

/** A serial port, a 1-Wire device, a GPIO line. */
export interface FoundPart {
  readonly name: string;
  readonly usedBy?: UsedBy;
  /** The configuration names it, and the machine has it not. */
  readonly answers?: false;
}

/** A GPIO line by all that a configuration may call it: its name, where it has one, and the label of its chip with the offset. */
export type LineNames = readonly string[];

/** What there is to measure with. */
export interface Survey {
  readonly i2c: readonly FoundBus[];
  readonly serial: readonly FoundPart[];
  readonly one_wire: readonly FoundPart[];
  readonly gpio: readonly FoundPart[];
}

export interface SurveyOptions {
  readonly config: GatewayConfig;
  readonly drivers: readonly AnyDriver[];
  readonly machine: Pick<Machine, 'host' | 'oneWire'>;
  readonly buses: Pick<Buses, 'scan' | 'ports'>;
  /** The GPIO lines that the machine has. */
  readonly listLines: () => Promise<readonly LineNames[]>;
  /** Whether chips may be asked what they are: not while a gateway is at work on the bus. */
  readonly mayAsk: boolean;
  readonly signal: AbortSignal;
}

const BY_ID = '/dev/serial/by-id';

/** Looks at every bus that the configuration names or the machine has. What cannot be looked at is left out, or says why. */
export async function survey(options: SurveyOptions): Promise<Survey> {
  const { config, machine, signal } = options;
  const used = usesOf(config);
  const parts = (names: readonly string[]): FoundPart[] => names.map((name) => withUse({ name }, used.get(name)));
  const devices = await orNone(machine.host.list('/dev', signal));
  const named = config.stations.flatMap(({ sensors }) => sensors.flatMap((sensor) => i2cOf(sensor.options)?.bus ?? []));
  const buses = [...new Set([...named, ...devices.filter((name) => /^i2c-\d+$/.test(name))])].sort();
  const i2c: FoundBus[] = [];
  for (const bus of buses) i2c.push(await surveyBus(bus, used, options));
  const ports = (await orNone(machine.host.list(BY_ID, signal))).map((name) => `${BY_ID}/${name}`);
  return {
    i2c,
    serial: parts(ports),
    one_wire: parts(await orNone(machine.oneWire.list())),
    gpio: linesOf(await orNone(options.listLines()), config, used),
  };
}

/** Lines that have a name or are in use, and those that are to be used and are not there. */
function linesOf(lines: readonly LineNames[], config: GatewayConfig, used: ReadonlyMap<string, UsedBy>): FoundPart[] {
  const found = lines.flatMap((names): FoundPart[] => {
    const name = names.find((each) => used.has(each)) ?? names.find((each) => !each.includes('/'));
    return name === undefined ? [] : [withUse({ name }, used.get(name))];
  });
  const there = new Set(lines.flat());
  const absent = gpioOf(config).filter((name) => !there.has(name));
  return [...found, ...absent.map((name) => withUse({ name, answers: false as const }, used.get(name)))];
}

/** The lines that the configuration names, each once. */
function gpioOf({ stations, actuators, buttons }: GatewayConfig): string[] {
  const sensors = stations.flatMap((station) => station.sensors);
  const lines = [...actuators, ...buttons].map(({ line }) => line);
  const all = [...sensors.map(({ options }) => (options as { readonly gpio?: unknown }).gpio), ...lines];
  return [...new Set(all.filter((line) => typeof line === 'string'))];
}

async function surveyBus(bus: string, used: ReadonlyMap<string, UsedBy>, options: SurveyOptions): Promise<FoundBus> {
  const { config, buses, signal } = options;
  const muxes = muxesOn(bus, config);
  // A bus that knows of its multiplexers disconnects them first: a gateway may have left a channel connected.
  for (const mux of muxes) buses.ports.i2c({ bus, address: mux, mux: { address: mux, channel: 0 } });
  try {
    const found = await buses.scan(bus, signal);
    const chips: FoundChip[] = [];
    for (const address of [...new Set([...found, ...addressesOf(options)])].sort(ascending)) {
      const chip = await chipAt({ bus, address }, found.includes(address), used, options);
      if (chip.answers || chip.usedBy !== undefined) chips.push(chip);
    }
    for (const mux of muxes) chips.push(...(await surveyMux(bus, mux, used, options)));
    return { bus, chips };
  } catch (error) {
    if (!(error instanceof MooringError)) throw error;
    return { bus, chips: [], error: `${error.code}: ${error.message}` };
  }
}

/** Behind a multiplexer of the configuration: its channels are asked for what drivers recognise. */
async function surveyMux(
  bus: string,
  address: number,
  used: ReadonlyMap<string, UsedBy>,
  options: SurveyOptions,
): Promise<FoundChip[]> {
  const chips: FoundChip[] = [];
  for (let channel = 0; channel < 8; channel += 1) {
    for (const each of addressesOf(options)) {
      const chip = await chipAt({ bus, address: each, mux: { address, channel } }, false, used, options);
      if (chip.answers || chip.usedBy !== undefined) chips.push(chip);
    }
  }
  return chips;
}

/** Some chips do not acknowledge the reading of a scan while they have nothing to say: they are asked all the same. */
function addressesOf({ drivers }: SurveyOptions): number[] {
  return [...new Set(drivers.flatMap(({ i2c }) => i2c?.addresses ?? []))].sort(ascending);
}

function ascending(a: number, b: number): number {
  return a - b;
}

async function chipAt(
  settings: I2cSettings,
  isFound: boolean,
  used: ReadonlyMap<string, UsedBy>,
  { drivers, buses, mayAsk, signal }: SurveyOptions,
): Promise<FoundChip> {
  const candidates = drivers.filter(({ i2c }) => i2c?.addresses.includes(settings.address) === true);
  const recognised: string[] = [];
  for (const { name, i2c } of mayAsk ? candidates : []) {
    if (i2c?.isThere === undefined) continue;
    const device = buses.ports.i2c(settings);
    try {
      await device.open(signal);
      if (await i2c.isThere(device, signal)) recognised.push(name);
    } catch (error) {
      // Another chip does not understand the question: that is the answer.
      if (!(error instanceof MooringError)) throw error;
    } finally {
      await device.close();
    }
  }
  const answers = isFound || recognised.length > 0;
  const possible = recognised.length > 0 ? [] : candidates.map(({ name }) => name);
  return withUse({ ...settings, answers, recognised, possible }, used.get(keyOf(settings)));
}

function withUse<T extends object>(part: T, usedBy: UsedBy | undefined): T & { readonly usedBy?: UsedBy } {
  return usedBy === undefined ? part : { ...part, usedBy };
}

/** What the configuration uses, by what it is called: path, device, line, or place on a bus. */
function usesOf({ stations, actuators, buttons }: GatewayConfig): Map<string, UsedBy> {
  const used = new Map<string, UsedBy>();
  for (const { name, sensors } of stations) {
    for (const { driver, options } of sensors) {
      const { port, device, gpio } = options as Readonly<Record<string, unknown>>;
      const settings = i2cOf(options);
      const keys = [port, device, gpio, settings === undefined ? undefined : keyOf(settings)];
      for (const key of keys) if (typeof key === 'string') used.set(key, `${name}: ${driver.name}`);
    }
  }
  for (const { name, line } of actuators) used.set(line, `actuator ${name}`);
  for (const { name, line } of buttons) used.set(line, `button ${name}`);
  return used;
}

function i2cOf(options: unknown): I2cSettings | undefined {
  const { bus, address, mux } = options as Partial<I2cSettings>;
  if (typeof bus !== 'string' || typeof address !== 'number') return undefined;
  return mux === undefined ? { bus, address } : { bus, address, mux };
}

function keyOf({ bus, address, mux }: I2cSettings): string {
  return `${bus} ${mux === undefined ? '' : `${mux.address}/${mux.channel} `}${address}`;
}

function muxesOn(bus: string, { stations }: GatewayConfig): number[] {
  const found = stations.flatMap(({ sensors }) =>
    sensors.flatMap(({ options }) => {
      const settings = i2cOf(options);
      return settings?.bus === bus && settings.mux !== undefined ? [settings.mux.address] : [];
    }),
  );
  return [...new Set(found)];
}

/** A machine without such things has none of them. */
async function orNone<T>(list: Promise<readonly T[]>): Promise<readonly T[]> {
  try {
    return await list;
  } catch (error) {
    if (!(error instanceof MooringError)) throw error;
    return [];
  }
}
