import type { AnyDriver } from '../../drivers/driver.ts';
import type { MetricDefinition } from '../../protocol/metrics.ts';
import type { Location } from '../../protocol/record.ts';
import type { MetricCalibration } from '../quality/types.ts';

/** What the sampler needs to know of one station. The configuration's own type satisfies it. */
export interface StationSettings {
  readonly name: string;
  /** One record per tick; ticks stand this far apart, in whole milliseconds. */
  readonly everyMs: number;
  /** Fixed, or `gps`: the newest position of its sensors, while it is fresh. */
  readonly location: Location | 'gps' | undefined;
  readonly sensors: readonly SensorSettings[];
}

export interface SensorSettings {
  readonly driver: AnyDriver;
  /** As the driver's own schema read them. */
  readonly options: unknown;
  /** How often a polled sensor is asked: a multiple of the station's. Means nothing to one that speaks by itself. */
  readonly everyMs: number;
  /** A sample that takes longer has failed, and the record goes without it. */
  readonly deadlineMs: number;
  /** A pushed metric, and a position, is stale after this silence. */
  readonly staleMs: number;
  /** The driver's name of a metric → the name in records. Metrics that keep their name are not in it. */
  readonly rename: Readonly<Record<string, string>>;
  /** How metrics are calibrated, by their names in records; those that are not are not in it. */
  readonly calibrations?: Readonly<Record<string, MetricCalibration>>;
}

/** A metric that the registry does not have. */
export type MetricExtension = Omit<MetricDefinition, 'number' | 'cf'>;

/** The names under which a sensor's metrics stand in records, in the driver's order, then those of raw values. */
export function metricNamesOf({ driver, options, rename, calibrations = {} }: SensorSettings): string[] {
  const names = driver.metrics(options as never).map(({ name }) => rename[name] ?? name);
  return [...names, ...names.filter((name) => calibrations[name]?.keepsRaw).map(rawNameOf)];
}

/** The name of a metric's value before calibration, where it is kept. */
export function rawNameOf(metric: string): string {
  return `${metric}_raw`;
}

/** A sensor's name within its station: its driver's, numbered from the second of the same driver on. */
export function sensorNamesOf(sensors: readonly SensorSettings[]): string[] {
  const seen = new Map<string, number>();
  return sensors.map(({ driver: { name } }) => {
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return count === 1 ? name : `${name}-${count}`;
  });
}

/** Where a sensor is attached, as its options say: a serial port or a bus; undefined where it needs none. */
export function portOf(options: unknown): string | undefined {
  if (typeof options !== 'object' || options === null) return undefined;
  const { port, bus } = options as { port?: unknown; bus?: unknown };
  if (typeof port === 'string') return port;
  return typeof bus === 'string' ? bus : undefined;
}
