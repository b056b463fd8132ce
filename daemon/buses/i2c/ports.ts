import assert from 'node:assert/strict';
import type { I2cDevice, I2cSettings, Ports } from '../../../drivers/driver.ts';
import type { Clock } from '../../../runtime/clock.ts';
import type { Log } from '../../../runtime/log.ts';
import type { I2cJob, Machine } from '../machine.ts';
import { I2cBus } from './bus.ts';
import { closedError } from './errors.ts';
import { scanBus } from './scan.ts';

/** What `I2cDevice` promises, in bytes. */
const READ_BYTES_MAX = 64;
const REGISTER_BYTES_MAX = 32;

export interface I2cContext {
  readonly machine: Pick<Machine, 'i2c'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** The I²C side of `Ports`. */
export interface I2cPorts extends Pick<Ports, 'i2c'> {
  /**
   * Addresses (7 bits) at which something answers on a bus, in order; those that a driver of the kernel has taken among
   * them. Each is asked in a turn of its own, between the transactions of others. Throws as a transaction does.
   */
  scan(bus: string, signal: AbortSignal): Promise<number[]>;
  /** Closes every bus, also while a call to one is out. Never rejects. */
  close(): Promise<void>;
}

/** Devices of one bus share it: it is opened by the first of them and closed with the last. */
export function i2cPorts({ machine, clock, log }: I2cContext): I2cPorts {
  const buses = new Map<string, I2cBus>();
  const busOf = (name: string): I2cBus => {
    const bus = buses.get(name) ?? new I2cBus({ name, adapter: machine.i2c(name), clock, log });
    buses.set(name, bus);
    return bus;
  };
  return {
    i2c: (settings) => new DeviceOnBus(busOf(settings.bus), settings),
    scan: async (bus, signal) => await scanBus(busOf(bus), signal),
    async close() {
      await Promise.all([...buses.values()].map((bus) => bus.end()));
    },
  };
}

class DeviceOnBus implements I2cDevice {
  readonly #bus: I2cBus;
  readonly #settings: I2cSettings;

  constructor(bus: I2cBus, settings: I2cSettings) {
    this.#bus = bus;
    this.#settings = settings;
    if (settings.mux !== undefined) bus.hasMux(settings.mux.address);
  }

  async open(signal: AbortSignal): Promise<void> {
    await this.#bus.retain(this, signal);
  }

  async write(bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    assert(bytes.length > 0, 'a write of nothing is a scan');
    await this.#transact({ write: Uint8Array.from(bytes) }, signal);
  }

  async read(length: number, signal: AbortSignal): Promise<Buffer> {
    assert(length >= 1 && length <= READ_BYTES_MAX, `1 to ${READ_BYTES_MAX} bytes`);
    return await this.#transact({ readLength: length }, signal);
  }

  async readRegister(register: number, length: number, signal: AbortSignal): Promise<Buffer> {
    assert(length >= 1 && length <= REGISTER_BYTES_MAX, `1 to ${REGISTER_BYTES_MAX} bytes`);
    return await this.#transact({ write: Uint8Array.of(register), readLength: length, isCombined: true }, signal);
  }

  async close(): Promise<void> {
    await this.#bus.release(this);
  }

  async #transact(work: Omit<I2cJob, 'address' | 'mux'>, signal: AbortSignal): Promise<Buffer> {
    const { address, mux, bus } = this.#settings;
    signal.throwIfAborted();
    // A call that its sensor's owner has given up may still be under way when the owner closes it.
    if (!this.#bus.isRetainedBy(this)) throw closedError({ bus, address });
    return await this.#bus.transact({ address, ...(mux === undefined ? {} : { mux }), ...work }, signal);
  }
}
