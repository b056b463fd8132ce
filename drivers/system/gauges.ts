import type { HostSystem } from '../driver.ts';

/**
 * What a machine says of one metric. Throws where it could not be had; undefined where the machine says itself that it does
 * not know.
 */
export type Gauge = (signal: AbortSignal) => Promise<number | boolean | undefined>;

/** Looks whether this machine has what a metric is taken from: the gauge, or undefined. May throw where it has not. */
type Finder = (host: HostSystem, signal: AbortSignal, path: string) => Promise<Gauge | undefined>;

/** Zones of the kernel's thermal class that are the processor, by their type; the first that fits is it. */
const CPU_ZONES: readonly RegExp[] = [/^cpu/, /^soc/, /^x86_pkg/];
const THERMAL = '/sys/class/thermal';
const HWMON = '/sys/class/hwmon';
const BLOCK = '/sys/block';

/** How each metric is found, in the order of the table in the README. Sources: the kernel's documentation, named there. */
export const FINDERS = {
  /** Documentation/ABI/testing/sysfs-class-thermal: `temp` in thousandths of a degree. */
  cpu_temperature: async (host, signal) => {
    const zones = (await host.list(THERMAL, signal)).filter((name) => /^thermal_zone\d+$/.test(name));
    const types = await Promise.all(zones.map(async (zone) => await host.read(`${THERMAL}/${zone}/type`, signal)));
    const index = CPU_ZONES.map((form) => types.findIndex((type) => form.test(type))).find((found) => found >= 0);
    if (index === undefined) return undefined;
    return async (now) => numberIn(await host.read(`${THERMAL}/${zones[index]}/temp`, now)) / 1000;
  },
  /** proc_loadavg(5): the mean of the last minute comes first. */
  system_load: (host, signal) =>
    always(async (now) => numberIn((await host.read('/proc/loadavg', now)).split(' ')[0]), signal),
  /** proc_meminfo(5): what new programs could not have, of all. */
  memory_used: (host, signal) => always(async (now) => memoryUsed(await host.read('/proc/meminfo', now)), signal),
  disk_free: (host, signal, path) =>
    always(async (now) => {
      const { freeBytes, totalBytes } = await host.space(path, now);
      return (100 * freeBytes) / totalBytes;
    }, signal),
  /** Documentation/driver-api/mmc/mmc-dev-attrs: what an eMMC says of its wear (JESD84-B51, EXT_CSD 267 to 269). */
  flash_life: async (host, signal) => {
    const devices = (await host.list(BLOCK, signal)).filter((name) => /^mmcblk\d+$/.test(name));
    const lives = devices.map(
      (name) => async (now: AbortSignal) => await flashLife(host, `${BLOCK}/${name}/device`, now),
    );
    // An SD card has no such files; beside it there may be an eMMC.
    const has = await Promise.all(lives.map(async (life) => (await orUndefined(life(signal), signal)) !== undefined));
    const told = lives.filter((_, index) => has[index]);
    if (told.length === 0) return undefined;
    return async (now) => least(await Promise.all(told.map(async (life) => await life(now))));
  },
  /** Documentation/hwmon/raspberrypi-hwmon: the firmware has seen less than 4.63 V since it was last asked. */
  under_voltage: async (host, signal) => {
    for (const name of await host.list(HWMON, signal)) {
      if ((await orUndefined(host.read(`${HWMON}/${name}/name`, signal), signal)) !== 'rpi_volt') continue;
      return always(async (now) => numberIn(await host.read(`${HWMON}/${name}/in0_lcrit_alarm`, now)) !== 0, signal);
    }
    return undefined;
  },
  /** Every machine has a clock; whether it follows any time shows only later. */
  clock_offset: async (host) => await Promise.resolve(async () => await Promise.resolve(host.clockOffsetS())),
  /** proc_uptime(5): seconds since boot come first. */
  uptime: (host, signal) =>
    always(async (now) => numberIn((await host.read('/proc/uptime', now)).split(' ')[0]), signal),
  /** proc(5): a folder a process. */
  processes: (host, signal) =>
    always(async (now) => (await host.list('/proc', now)).filter((name) => /^\d+$/.test(name)).length, signal),
} as const satisfies Readonly<Record<string, Finder>>;

export type GaugeName = keyof typeof FINDERS;

/** A gauge that shows by its first value that it is there. */
async function always(gauge: Gauge, signal: AbortSignal): Promise<Gauge> {
  await gauge(signal);
  return gauge;
}

function memoryUsed(meminfo: string): number {
  const kibibytes = (key: string): number => numberIn(new RegExp(`^${key}: +(\\d+) kB$`, 'm').exec(meminfo)?.[1]);
  return 100 * (1 - kibibytes('MemAvailable') / kibibytes('MemTotal'));
}

/** Each step of an estimate is a tenth of the device's life; 1 says that up to a tenth of it is used, 11 that more is. */
const STEPS = 10;
/** Reserve blocks that are left, in percent, where less than a fifth and less than a tenth of them are. */
const RESERVES: Readonly<Record<number, number>> = { 2: 20, 3: 10 };

/**
 * What is left of a device's life in percent, the least that it can be: by its estimates for two kinds of memory, and by its
 * reserve blocks once those run low. Undefined where it tells nothing.
 */
async function flashLife(host: HostSystem, device: string, signal: AbortSignal): Promise<number | undefined> {
  const estimates = (await host.read(`${device}/life_time`, signal)).split(/\s+/).map(numberIn);
  const reserve = numberIn(await host.read(`${device}/pre_eol_info`, signal));
  const left = estimates.filter((step) => step > 0).map((step) => Math.max(0, 100 - (100 / STEPS) * step));
  return least([...left, RESERVES[reserve]]);
}

function least(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

/** What could not be had counts as absent; being told to stop does not. */
export async function orUndefined<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  try {
    return await work;
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}

/** Throws where the text is no number: a file that says something else was not understood. */
function numberIn(text: string | undefined): number {
  const value = text === undefined || text.trim() === '' ? Number.NaN : Number(text);
  if (!Number.isFinite(value)) throw new TypeError(`a number is expected, not ${JSON.stringify(text?.slice(0, 40))}`);
  return value;
}
