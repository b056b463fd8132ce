import { METRICS, metricNamed } from '../../protocol/metrics.ts';
import { BOUNDS, RESERVED_KEYS } from '../../protocol/record.ts';
import { checkBrokerClient } from '../../runtime/config/broker.ts';
import type { Path } from '../../runtime/config/document.ts';
import type { ConfigReader } from '../../runtime/config/reader.ts';
import { didYouMean } from '../../runtime/config/suggest.ts';
import { duration } from '../../runtime/config/values.ts';
import { recordBytesMax } from './record-size.ts';
import { metricSchema, WAYS } from './schema.ts';
import type { SensorRead } from './sensors.ts';
import type { MetricExtension } from './types.ts';

/** Measures that a driver may bring along without a definition. */
const DRIVERS_OWN = /^x_/;

/** The metrics beyond the registry; reports those that may not be called or made so. */
export function checkMetrics(reader: ConfigReader): MetricExtension[] {
  return Object.entries(reader.mappingAt(['metrics']) ?? {}).flatMap(([name, value]): MetricExtension[] => {
    const path = ['metrics', name];
    const isAllowed = checkMetricName(reader, path, name);
    const parsed = metricSchema.safeParse(value);
    if (!parsed.success) return [];
    const { like, unit, type = 'number', range, resolution } = parsed.data;
    if (like !== undefined) return isAllowed ? likeOf(reader, path, name, like, Object.keys(parsed.data)) : [];
    if (unit === undefined) {
      reader.report(path, 'key', 'says neither `like` nor `unit`', 'Write `{ like: temperature }` or `{ unit: m }`.');
      return [];
    }
    if (range !== undefined && !(range[0] < range[1])) {
      reader.report([...path, 'range'], 'value', 'is empty', 'Write `[lowest, highest]`.');
    }
    if (type !== 'number') {
      for (const key of ['range', 'resolution'].filter((each) => Object.hasOwn(parsed.data, each))) {
        reader.report([...path, key], 'key', 'is for numbers only', `Remove it, or \`type: ${type}\`.`);
      }
    }
    return [
      {
        name,
        type,
        unit,
        ...(range === undefined ? {} : { range }),
        ...(resolution === undefined ? {} : { resolution }),
      },
    ];
  });
}

function checkMetricName(reader: ConfigReader, path: Path, name: string): boolean {
  if (RESERVED_KEYS.has(name)) {
    reader.report(path, 'key', 'is reserved: a record has a key of that name', 'Choose another name.');
    return false;
  }
  if (metricNamed(name) !== undefined) {
    reader.report(path, 'key', 'is in the registry already', 'Remove it: a metric has one unit for ever.');
    return false;
  }
  return true;
}

function likeOf(
  reader: ConfigReader,
  path: Path,
  name: string,
  like: string,
  keys: readonly string[],
): MetricExtension[] {
  for (const key of keys.filter((each) => each !== 'like')) {
    reader.report([...path, key], 'key', 'is said by `like` already', 'Remove it, or `like`.');
  }
  const model = metricNamed(like);
  if (model === undefined) {
    const hint =
      didYouMean(
        like,
        METRICS.map((metric) => metric.name),
      ) || 'Name a metric of the registry.';
    reader.report([...path, 'like'], 'value', 'is not in the registry', hint);
    return [];
  }
  const { number: _, cf: __, ...rest } = model;
  return [{ ...rest, name }];
}

/** Reports what is wrong between the sensors of a station, and between stations. */
export function checkStations(
  reader: ConfigReader,
  sensors: readonly (readonly SensorRead[])[],
  extensions: readonly MetricExtension[],
): void {
  const stations = Array.isArray(reader.data.stations) ? reader.data.stations : [];
  checkStationNames(reader, stations.length);
  for (const [index, ofStation] of sensors.entries()) {
    const path = ['stations', index];
    checkCadences(reader, path, ofStation);
    for (const sensor of ofStation) {
      checkNames(reader, sensor, extensions);
      checkRenames(reader, sensor, extensions);
    }
    checkOneSensorPerMetric(reader, ofStation);
    checkRecordSize(reader, path, ofStation, extensions);
  }
}

function checkStationNames(reader: ConfigReader, count: number): void {
  const firstAt = new Map<string, Path>();
  for (let index = 0; index < count; index += 1) {
    const path = ['stations', index, 'name'];
    const name = reader.valueAt(path);
    if (typeof name !== 'string') continue;
    const first = firstAt.get(name);
    if (first === undefined) firstAt.set(name, path);
    else reader.report(path, 'value', `another station, in line ${reader.lineOf(first)}, has this name`, 'Rename one.');
  }
}

const everySchema = duration().prefault('1s');

/** A sensor is asked at ticks of its station, so its cadence is a whole number of them. */
function checkCadences(reader: ConfigReader, station: Path, sensors: readonly SensorRead[]): void {
  const every = everySchema.safeParse(reader.valueAt([...station, 'every']));
  if (!every.success || every.data === 0) return;
  for (const { path, everyMs } of sensors) {
    if (everyMs === undefined || everyMs % every.data === 0) continue;
    const hint = 'A sensor is asked at ticks of its station.';
    reader.report([...path, 'every'], 'value', `is not a multiple of the station's \`every\``, hint);
  }
}

function checkNames(
  reader: ConfigReader,
  { path, rename, metrics }: SensorRead,
  extensions: readonly MetricExtension[],
): void {
  // Also what is defined wrongly: that has been said.
  const defined = [...Object.keys(reader.mappingAt(['metrics']) ?? {}), ...extensions.map(({ name }) => name)];
  const renamed = new Map(Object.entries(rename).map(([from, to]) => [to, from]));
  for (const name of metrics) {
    const from = renamed.get(name);
    const at = from === undefined ? path : [...path, 'as', from];
    if (RESERVED_KEYS.has(name)) {
      reader.report(at, 'value', `\`${name}\` is reserved: a record has a key of that name`, 'Choose another name.');
      continue;
    }
    const isKnown = metricNamed(name) !== undefined || defined.includes(name);
    if (isKnown || (from === undefined && DRIVERS_OWN.test(name))) continue;
    const near = didYouMean(name, [...defined, ...METRICS.map((metric) => metric.name)]);
    const hint = `${near === '' ? 'Define it' : `${near} Else define it`}: \`metrics: { ${name}: ${definitionFor(name, from)} }\`.`;
    reader.report(at, 'value', `\`${name}\` is no metric that is known`, hint);
  }
}

/** What may stand under `metrics` for a new name of `from`, or else for one that ends like a metric of the registry. */
function definitionFor(name: string, from: string | undefined): string {
  const like = METRICS.map((metric) => metric.name)
    .filter((known) => known === from || (from === undefined && name.endsWith(`_${known}`)))
    .toSorted((a, b) => b.length - a.length)[0];
  return like === undefined ? '{ unit: UNIT }' : `{ like: ${like} }`;
}

/** A rename changes the name and nothing else: the values keep their type and unit. */
function checkRenames(
  reader: ConfigReader,
  { path, rename }: SensorRead,
  extensions: readonly MetricExtension[],
): void {
  for (const [from, to] of Object.entries(rename)) {
    const given = definitionOf(from, extensions);
    const wanted = definitionOf(to, extensions);
    if (given === undefined || wanted === undefined) continue;
    if (given.type === wanted.type && given.unit === wanted.unit) continue;
    const message = `\`${from}\` is ${inWords(given)}, \`${to}\` is ${inWords(wanted)}`;
    const hint = `Define another name under \`metrics\`: \`{ like: ${from} }\`.`;
    reader.report([...path, 'as', from], 'value', message, hint);
  }
}

/** Of the registry, or of the configuration; undefined for a driver's own measure that nobody defined. */
export function definitionOf(name: string, extensions: readonly MetricExtension[]): MetricExtension | undefined {
  return metricNamed(name) ?? extensions.find((each) => each.name === name);
}

export function inWords({ type, unit }: MetricExtension): string {
  if (type !== 'number') return type === 'text' ? 'a text' : 'true or false';
  return unit === '' ? 'a number without unit' : `a number in ${unit}`;
}

function checkOneSensorPerMetric(reader: ConfigReader, sensors: readonly SensorRead[]): void {
  const firstOf = new Map<string, Path>();
  for (const { path, metrics } of sensors) {
    const twice = metrics.filter((name, index) => metrics.indexOf(name) < index);
    if (twice.length > 0) {
      const hint = 'One value per metric and record: rename with `as`.';
      reader.report(path, 'key', `gives ${quoted(twice)} twice`, hint);
    }
    const taken = metrics.filter((name) => firstOf.has(name));
    for (const name of metrics) if (!firstOf.has(name)) firstOf.set(name, path);
    const [one] = taken;
    if (one === undefined) continue;
    const line = reader.lineOf(firstOf.get(one) as Path);
    const message = `lines ${line} and ${reader.lineOf(path)} both give ${quoted(taken)}`;
    reader.report(path, 'key', message, 'One sensor per metric and station: rename with `as`, or remove one.');
  }
}

function quoted(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(', ');
}

function checkRecordSize(
  reader: ConfigReader,
  path: Path,
  sensors: readonly SensorRead[],
  extensions: readonly MetricExtension[],
): void {
  const name = reader.valueAt([...path, 'name']);
  const definitions = [...new Set(sensors.flatMap((sensor) => sensor.metrics))].map(
    (metric) => definitionOf(metric, extensions) ?? { name: metric, type: 'number' as const },
  );
  const bytes = recordBytesMax(typeof name === 'string' ? name : '', definitions);
  if (bytes <= BOUNDS.recordBytes) return;
  const message = `a record of its ${definitions.length} metrics may take ${bytes} bytes, ${BOUNDS.recordBytes} are allowed`;
  reader.report([...path, 'sensors'], 'key', message, 'Make two stations of it.');
}

/** Reports what does not fit together in the ways to the centre. */
export function checkForwarders(reader: ConfigReader): void {
  for (const name of Object.keys(reader.mappingAt(['forward']) ?? {})) {
    const path = ['forward', name];
    const forwarder = reader.mappingAt(path);
    if (forwarder === undefined) continue;
    checkBrokerClient(reader, [...path, 'mqtt']);
    const ways = WAYS.filter((way) => Object.hasOwn(forwarder, way));
    if (ways.length === 0) {
      const hint = 'Write `mqtt: { url: mqtts://HOST:8883 }`, or `udp: { host: HOST, port: 20100, key: FILE }`.';
      reader.report(path, 'key', 'says neither `mqtt` nor `udp`', hint);
    } else if (ways.length > 1) {
      const hint = 'Make two forwarders of it: each keeps its own account of what the centre has.';
      reader.report([...path, ways[1] as string], 'key', `stands beside \`${ways[0]}\``, hint);
    }
  }
}
