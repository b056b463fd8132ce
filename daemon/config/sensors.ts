import { z } from 'zod';
import type { AnyDriver } from '../../drivers/driver.ts';
import type { Path } from '../../runtime/config/document.ts';
import { hintForDigits } from '../../runtime/config/explain.ts';
import type { ConfigReader } from '../../runtime/config/reader.ts';
import { shapeOf } from '../../runtime/config/schema-tree.ts';
import { didYouMean } from '../../runtime/config/suggest.ts';
import { calibrateSchema } from './calibration-schema.ts';
import { sensorShape } from './schema.ts';
import type { SensorConfig } from './types.ts';

/** A sensor whose own keys are right; what it means beside others is not checked yet. */
export interface SensorRead extends Omit<SensorConfig, 'everyMs'> {
  readonly path: Path;
  /** Undefined: the station's. */
  readonly everyMs: number | undefined;
}

/** Is read metric by metric, and hides nothing of its sensor where it is wrong. */
const CALIBRATE = 'calibrate';

const sensorSchema = z.strictObject(sensorShape);

/** The sensors of each station, in the file's order. One with a problem is reported and left out. */
export function readSensors(reader: ConfigReader, drivers: readonly AnyDriver[]): SensorRead[][] {
  const stations = reader.data.stations;
  if (!Array.isArray(stations)) return [];
  return stations.map((_, station) => {
    const path = ['stations', station, 'sensors'];
    const sensors = reader.valueAt(path);
    if (!Array.isArray(sensors)) return [];
    return sensors.flatMap((_, index) => readSensor(reader, drivers, [...path, index]) ?? []);
  });
}

function readSensor(reader: ConfigReader, drivers: readonly AnyDriver[], path: Path): SensorRead | undefined {
  const value = reader.mappingAt(path);
  if (value === undefined) {
    reader.parse(sensorSchema, path);
    return undefined;
  }
  const entries = Object.entries(value);
  const isShared = ([key]: [string, unknown]): boolean => Object.hasOwn(sensorShape, key);
  const isOfSensor = (entry: [string, unknown]): boolean => isShared(entry) && entry[0] !== CALIBRATE;
  const shared = reader.parse(sensorSchema, path, Object.fromEntries(entries.filter(isOfSensor)));
  reader.parse(calibrateSchema, [...path, CALIBRATE]);
  const driver = driverAt(reader, drivers, path);
  if (driver === undefined) return undefined;
  const own = entries.filter((entry) => !isShared(entry) && !reportUnknownKey(reader, driver, path, entry[0]));
  const options = reader.parse<unknown>(driver.options, path, Object.fromEntries(own));
  if (options === undefined || shared === undefined) return undefined;
  const names = driver.metrics(options).map((metric) => metric.name);
  checkRenames(reader, [...path, 'as'], shared.as, names);
  return {
    path,
    driver,
    options,
    everyMs: shared.every,
    staleMs: shared.stale,
    deadlineMs: deadlineOf(reader, driver, path, shared.deadline),
    rename: shared.as,
    metrics: names.map((name) => shared.as[name] ?? name),
    calibrations: {},
  };
}

/** For a slow device it is twice what a sample takes, where nothing is said. Reports one that no sample could keep. */
function deadlineOf(reader: ConfigReader, { name, sampleMs = 0 }: AnyDriver, path: Path, deadlineMs: number): number {
  const at = [...path, 'deadline'];
  if (reader.valueAt(at) === undefined) return Math.max(deadlineMs, 2 * sampleMs);
  if (deadlineMs < sampleMs) {
    const hint = `Write at least ${sampleMs}ms, or remove it: then it is ${2 * sampleMs}ms.`;
    reader.report(at, 'value', `is shorter than a sample of \`${name}\` takes`, hint);
  }
  return deadlineMs;
}

function driverAt(reader: ConfigReader, drivers: readonly AnyDriver[], path: Path): AnyDriver | undefined {
  const at = [...path, 'driver'];
  const name = reader.valueAt(at);
  if (typeof name !== 'string' || name === '') return undefined;
  const driver = drivers.find((each) => each.name === name);
  if (driver !== undefined) return driver;
  const known = drivers.map((each) => each.name);
  reader.report(at, 'value', 'unknown driver', didYouMean(name, known) || `Known drivers: ${known.join(', ')}.`);
  return undefined;
}

/** Reports a key that neither every sensor nor this driver has: what was meant may be one of either. */
function reportUnknownKey(reader: ConfigReader, driver: AnyDriver, path: Path, key: string): boolean {
  const shape = shapeOf(driver.options);
  if (shape === undefined || Object.hasOwn(shape, key)) return false;
  const own = Object.keys(shape);
  const hint =
    hintForDigits(key, reader.valueAt([...path, key])) ||
    didYouMean(key, [...own, ...Object.keys(sensorShape)]) ||
    `Beside the keys of every sensor, \`${driver.name}\` knows ${own.map((each) => `\`${each}\``).join(', ')}.`;
  reader.report([...path, key], 'key', `\`${driver.name}\` does not know this key`, hint);
  return true;
}

function checkRenames(
  reader: ConfigReader,
  path: Path,
  renames: Readonly<Record<string, string>>,
  names: readonly string[],
): void {
  for (const from of Object.keys(renames)) {
    if (names.includes(from)) continue;
    const hint = didYouMean(from, names) || `It gives ${names.join(', ')}.`;
    reader.report([...path, from], 'key', 'is no metric of this sensor', hint);
  }
}
