import type { Duplex } from 'node:stream';
import type { GpioInput, GpioInputSettings, HostSystem } from '../../drivers/driver.ts';
import type { ActuatorOutput, ActuatorOutputSettings } from '../alarms/types.ts';

/**
 * What the buses stand on: the wires of this machine, or simulated ones. Queues, deadlines, retries and recovery are above
 * it and the same for both. What it throws are Node's errors with the system's `code` (ENOENT, EACCES, ENXIO, …).
 */
export interface Machine {
  /** Whether its values are made up: the run that it serves says so in its first record. */
  readonly isSimulated: boolean;
  /** Touches nothing before its `open`. */
  i2c(bus: string): I2cAdapter;
  openSerial(settings: SerialLineSettings): Promise<SerialOpening>;
  openTcp(host: string, port: number, signal: AbortSignal): Promise<Duplex>;
  readonly oneWire: OneWireFiles;
  readonly host: HostSystem;
  gpioInput(settings: GpioInputSettings): GpioInput;
  output(settings: ActuatorOutputSettings): ActuatorOutput;
  /** Ends what it has started: helpers, children. */
  close(): Promise<void>;
}

/** One I²C bus. Knows no queue and no deadline; its owner has one job under way at a time. */
export interface I2cAdapter {
  /**
   * `muxes`: addresses of the multiplexers on it, of which one may have a channel connected from before. Throws ENOENT, EACCES.
   */
  open(muxes?: readonly number[]): Promise<void>;
  /** The bytes that were read, none if none were asked for. Throws ENXIO, EREMOTEIO, ETIMEDOUT, EIO, …; may never come back. */
  run(job: I2cJob): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** One transaction: write, then read, each with a STOP at its end unless `isCombined`. */
export interface I2cJob {
  readonly address: number;
  /** Bytes to write first; empty: the address alone, as a scan does. Left out: nothing is written. */
  readonly write?: Uint8Array;
  /** Bytes to read then; 0 or left out: none. */
  readonly readLength?: number;
  /** A repeated START between the one written byte and the read. */
  readonly isCombined?: boolean;
  /** The channel of a multiplexer (TCA9548A) to switch to before. */
  readonly mux?: { readonly address: number; readonly channel: number };
}

export interface SerialLineSettings {
  readonly path: string;
  readonly baud: number;
  /** Default none. */
  readonly parity?: 'none' | 'even' | 'odd';
  /** Default 1. */
  readonly stopBits?: 1 | 2;
}

/** A serial port that is open. */
export interface SerialOpening {
  /** Ends with an error or without when the device is gone. */
  readonly stream: Duplex;
  /** Rejects where the device is gone and the stream has not noticed. */
  probe(): Promise<void>;
  /** Resolves when the port, and its lock, are given back. Never rejects. */
  close(): Promise<void>;
}

/** The kernel's 1-Wire files, read where a slow one keeps nothing else waiting. */
export interface OneWireFiles {
  /** Ids of the devices that the kernel knows. */
  list(): Promise<string[]>;
  /** Text of a device's file. One read at a time per bus master. Throws ENOENT. */
  read(device: string, file: string): Promise<string>;
}
