import type { z } from 'zod';
import type { Location, MetricValue } from '../protocol/record.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import type { Random } from '../runtime/random.ts';

/**
 * The driver contract. A driver knows its chip or protocol and nothing else: not the station it serves, not the time
 * of day, not when it is asked next. Everything it needs is handed in; units are converted here and nowhere else.
 */
export interface Driver<Options = never> {
  /** The folder's name, and the word the configuration uses. */
  readonly name: string;
  /** What it says it is, in one sentence: `mooring schema` and the README show it. */
  readonly summary: string;
  /** The driver's own keys in the sensor's configuration, beside the common ones (`driver every as stale deadline`). */
  readonly options: z.ZodType<Options>;
  /** Metrics that a sensor with these options may give. Names of the registry, or of `x_…` measures it defines. */
  metrics(options: Options): readonly DriverMetric[];
  /** Builds the sensor. Touches nothing yet: that is `open`'s work. */
  create(options: Options, context: SensorContext): Sensor;
}

/** A driver whose options have been checked already; the registry holds these. */
// biome-ignore lint/suspicious/noExplicitAny: each driver's options stay inside its own folder; the schema checks them
export type AnyDriver = Driver<any>;

export interface DriverMetric {
  /** Name in the registry (`protocol/metrics.ts`). */
  readonly name: string;
}

export interface SensorContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly ports: Ports;
}

/** How a driver reaches hardware; implemented in `daemon/buses/`, and by fakes in tests. */
export interface Ports {
  serial(settings: SerialSettings): SerialLines;
}

export interface SerialSettings {
  /** A stable path, best under /dev/serial/by-id. */
  readonly path: string;
  readonly baud: number;
  /** Bytes after which a line without an end is dropped and counted. */
  readonly lineBytesMax: number;
  /** Without a byte for this long the port is closed and opened again. */
  readonly silenceMs: number;
}

/** Lines from a serial port that heals itself: reopened by its owner after silence, unplugging or an error. */
export interface SerialLines {
  /** Opens the port afresh. Throws `PORT_ABSENT`, `PORT_BUSY`, `PORT_PERMISSION`. May be called again after it failed. */
  open(signal: AbortSignal): Promise<void>;
  /**
   * Complete lines without their line end, latin1, until the port is lost: then it throws `PORT_LOST` or `PORT_SILENT`.
   * Ends without an error when the signal is aborted.
   */
  lines(signal: AbortSignal): AsyncIterable<string>;
  /** Safe whether or not `open` succeeded. */
  close(): Promise<void>;
}

/** Some metrics at one moment, from one sensor. */
export interface Reading {
  readonly metrics: Readonly<Record<string, MetricValue>>;
  /** Metrics that were asked for, or announced by the device, and could not be had: flag 9. */
  readonly missing?: readonly string[];
  readonly location?: Location;
  /** A dated UTC time from a receiver with a valid fix, as it stands in the data. */
  readonly utcMs?: number;
}

interface SensorBase {
  /** Proves that the device is there. Safe to call again after it failed. Throws a `MooringError`. */
  open(signal: AbortSignal): Promise<void>;
  /** Safe whether or not `open` succeeded. */
  close(): Promise<void>;
}

/** A sensor that answers when it is asked. Its methods are never called while another of them runs. */
export interface PolledSensor extends SensorBase {
  readonly mode: 'polled';
  /** One sample. The caller enforces the deadline; the signal is aborted when it has passed. */
  sample(signal: AbortSignal): Promise<Reading>;
}

/** A sensor that speaks when it has something to say: a GPS's lines, a rain gauge's tips. */
export interface PushedSensor extends SensorBase {
  readonly mode: 'pushed';
  /** Readings until the device is lost, which throws; ends without an error when the signal is aborted. */
  readings(signal: AbortSignal): AsyncIterable<Reading>;
}

export type Sensor = PolledSensor | PushedSensor;
