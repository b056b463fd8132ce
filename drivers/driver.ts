import type { z } from 'zod';
import type { JsonValue, Location, MetricValue } from '../protocol/record.ts';
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
  /**
   * What of the machine a sensor with these options has for itself: just what it asks `Ports` for. Two sensors at one place
   * are a mistake in the configuration. Left out: nothing.
   */
  places?(options: Options): readonly Place[];
  /**
   * How long a sample may take by the device's own nature, in milliseconds: a shorter `deadline` is refused, and one that is
   * left out is at least twice that. Left out: less than half of the usual one.
   */
  readonly sampleMs?: number;
  /** How a scan of an I²C bus finds the chip; left out: it has no such bus. */
  readonly i2c?: I2cIdentity;
  /** Builds the sensor. Touches nothing yet: that is `open`'s work. */
  create(options: Options, context: SensorContext): Sensor;
}

/** A driver whose options have been checked already; the registry holds these. */
// biome-ignore lint/suspicious/noExplicitAny: each driver's options stay inside its own folder; the schema checks them
export type AnyDriver = Driver<any>;

/** What a driver says of one metric; the table in its README is made of it. */
export interface DriverMetric {
  /** Name in the registry (`protocol/metrics.ts`). */
  readonly name: string;
  /** Unit of what the sensor gives, where it is not the metric's own: then a calibration has to convert it. */
  readonly unit?: string;
  /** Lowest and highest value that the sensor can give, in its unit. A calibration has to be monotone over it. */
  readonly range?: readonly [lowest: number, highest: number];
  /** One step of the sensor, in its unit. */
  readonly resolution?: number;
  /** Its maker's typical accuracy: ± `absolute` in its unit, or ± `relative` of the value, whichever is more. */
  readonly accuracy?: { readonly absolute?: number; readonly relative?: number };
}

/** A place in the wiring. `at` is the path of the driver's key that says it. */
export type Place = { readonly at: readonly string[] } & (
  | {
      readonly kind: 'i2c';
      readonly settings: I2cSettings;
      /** One of the chip's inputs, and the key that says which: the others are for other sensors of the same driver. */
      readonly input?: { readonly at: readonly string[]; readonly name: string | number };
    }
  | {
      readonly kind: 'serial';
      readonly path: string;
      /** How bytes go over a line with several devices, which have to agree on it. Left out: the device is alone. */
      readonly shared?: SerialFormat;
    }
  | { readonly kind: 'gpio'; readonly line: string }
  | { readonly kind: 'one_wire'; readonly device: string }
);

export interface SerialFormat {
  readonly baud: number;
  readonly parity: 'none' | 'even' | 'odd';
  readonly stopBits: 1 | 2;
}

export interface I2cIdentity {
  /** Addresses that its pins can choose, 7 bits. */
  readonly addresses: readonly number[];
  /**
   * Whether the chip that answers at the device's address is this one, by its identity registers or the checksum of its
   * serial number. Left out: nothing in the chip says what it is.
   */
  isThere?(device: I2cDevice, signal: AbortSignal): Promise<boolean>;
}

export interface SensorContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly ports: Ports;
  readonly memory: SensorMemory;
}

/** What one sensor keeps over restarts and power cuts: a small JSON value in a file of its own. */
export interface SensorMemory {
  /** Undefined where nothing was kept, or where what was kept is damaged. */
  load(): Promise<JsonValue | undefined>;
  /** Durable when it resolves; the last call wins. Throws `STATE_FAILED`. */
  save(value: JsonValue): Promise<void>;
}

/** How a driver reaches hardware; implemented in `daemon/buses/`, and by fakes in tests. */
export interface Ports {
  serial(settings: SerialSettings): SerialLines;
  serialBytes(settings: SerialBytesSettings): SerialBytes;
  i2c(settings: I2cSettings): I2cDevice;
  gpioInput(settings: GpioInputSettings): GpioInput;
  modbus(settings: ModbusSettings): ModbusDevice;
  oneWire(device: string): OneWireDevice;
  readonly host: HostSystem;
}

export interface I2cSettings {
  /** `i2c-1` for `/dev/i2c-1`. */
  readonly bus: string;
  /** 7 bits. */
  readonly address: number;
  /** The channel of a TCA9548A that it stands behind. */
  readonly mux?: { readonly address: number; readonly channel: number };
}

/**
 * One device on an I²C bus. Every call is one transaction that no other comes between, with a deadline and a few attempts
 * of the bus's own. Throws `PORT_ABSENT`, `PORT_PERMISSION` (no such bus, not for this user), `I2C_NO_DEVICE` (nobody
 * acknowledges), `BUS_FAILED` (an error on the wire), `BUS_STUCK` (a call to the bus has not come back), `DEADLINE`.
 */
export interface I2cDevice {
  /** Opens the bus where it is not open. The device is not touched. May be called again after it failed. */
  open(signal: AbortSignal): Promise<void>;
  /** START, address, bytes, STOP. */
  write(bytes: Uint8Array, signal: AbortSignal): Promise<void>;
  /** START, address, `length` bytes (1 to 64), STOP. */
  read(length: number, signal: AbortSignal): Promise<Buffer>;
  /** Writes the number of a register and, after a repeated START, reads `length` bytes (1 to 32). */
  readRegister(register: number, length: number, signal: AbortSignal): Promise<Buffer>;
  /** Safe whether or not `open` succeeded. */
  close(): Promise<void>;
}

export interface GpioInputSettings {
  /** By name (`GPIO17`), or label of its chip and offset (`pinctrl-bcm2711/17`). */
  readonly line: string;
  readonly bias: 'up' | 'down' | 'none';
  /** Which edges are told. */
  readonly edge: 'rising' | 'falling' | 'both';
  /** Edges that come sooner after the last one are contacts that bounce, in milliseconds. */
  readonly debounceMs: number;
}

export interface GpioEdge {
  readonly level: 0 | 1;
  /** When it came, on the clock that was handed in. */
  readonly atMs: number;
}

/** An input line. Throws `PORT_ABSENT`, `PORT_BUSY`, `PORT_PERMISSION`, `PORT_LOST`. */
export interface GpioInput {
  open(signal: AbortSignal): Promise<void>;
  /** Edges since `open`, until the line is lost, which throws. Ends without an error when the signal is aborted. */
  edges(signal: AbortSignal): AsyncIterable<GpioEdge>;
  close(): Promise<void>;
}

/** Where a Modbus device is: its unit on a serial line (RTU), or behind a gateway in the network (TCP). */
export type ModbusSettings = {
  readonly unit: number;
  /** How long an answer may take, in milliseconds. */
  readonly timeoutMs: number;
} & (
  | ({ readonly kind: 'rtu'; readonly path: string } & SerialFormat)
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
);

/** One device on a Modbus line, on which one request at a time is under way, whoever asks. */
export interface ModbusDevice {
  open(signal: AbortSignal): Promise<void>;
  /** Function 3 or 4: 1 to 125 registers of 16 bits, from `address` (counted from 0). Throws `SENSOR_FAILED` with the exception's name. */
  readRegisters(kind: 'holding' | 'input', address: number, count: number, signal: AbortSignal): Promise<number[]>;
  close(): Promise<void>;
}

/** A device on the kernel's 1-Wire bus, by its id (`28-0316a2798dff`). */
export interface OneWireDevice {
  /** Throws `PORT_ABSENT` where the kernel does not know the device. */
  open(signal: AbortSignal): Promise<void>;
  /** Text of one of the kernel's files of the device, `w1_slave` say. Takes as long as the conversion: 750 ms and more. */
  read(file: string, signal: AbortSignal): Promise<string>;
  close(): Promise<void>;
}

/** What the machine says of itself. */
export interface HostSystem {
  /** Text of a file in /proc or /sys, without white space at its ends. Throws `PORT_ABSENT` where there is none. */
  read(path: string, signal: AbortSignal): Promise<string>;
  /** Names in a folder, in order. Throws `PORT_ABSENT`. */
  list(path: string, signal: AbortSignal): Promise<string[]>;
  /** Room on the file system of a path, in bytes. */
  space(path: string, signal: AbortSignal): Promise<{ readonly freeBytes: number; readonly totalBytes: number }>;
  /** What a program prints. Throws `PORT_ABSENT` where there is no such program, `SENSOR_FAILED` where it fails. */
  run(program: string, args: readonly string[], signal: AbortSignal): Promise<string>;
  /** How far the kernel says that its clock is from the time it follows, in seconds; undefined where it follows none. */
  clockOffsetS(): number | undefined;
}

/** Bytes from and to a serial port, for devices that speak in frames. */
export interface SerialBytes {
  /** Opens the port afresh. Throws `PORT_ABSENT`, `PORT_BUSY`, `PORT_PERMISSION`. May be called again after it failed. */
  open(signal: AbortSignal): Promise<void>;
  /** What comes, in pieces of any size, until the port is lost (`PORT_LOST`, `PORT_SILENT`). Ends when the signal is aborted. */
  chunks(signal: AbortSignal): AsyncIterable<Uint8Array>;
  write(bytes: Uint8Array, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export type SerialBytesSettings = Omit<SerialSettings, 'lineBytesMax'>;

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
  /** Why they are missing, for people, where the driver knows: `warming up: …`. No record has it. */
  readonly why?: string;
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
