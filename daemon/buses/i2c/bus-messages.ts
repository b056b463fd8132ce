import type { I2cJob } from '../machine.ts';

/** What a bus's process is asked: to open its bus, once and first, and then jobs. Bytes are in hexadecimal. */
export type BusQuestion = OpenBus | RunJob;

export interface OpenBus {
  readonly ask: 'open';
  /** `/dev/i2c-1`. */
  readonly path: string;
  /** Name or address of the package `i2c-bus`. */
  readonly module: string;
  /** Addresses of the multiplexers on it. */
  readonly muxes: readonly number[];
}

export interface RunJob {
  readonly ask: 'run';
  readonly job: Omit<I2cJob, 'write'> & { readonly write?: string };
}

/** Through which library the bus was opened, and why not through the package where it was not. */
export interface BusOpening {
  readonly library: 'i2c-bus' | 'koffi';
  readonly reason?: string;
}
