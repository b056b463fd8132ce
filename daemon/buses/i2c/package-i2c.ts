import { closeSync, constants, openSync } from 'node:fs';
import type { NativeI2c } from './native.ts';

/** What is used of the package `i2c-bus`; its published types have another form of `writeQuickSync`. */
export interface I2cBusPackage {
  openSync(busNumber: number): PackageBus;
}

interface PackageBus {
  writeQuickSync(address: number, bit: 0 | 1): void;
  i2cWriteSync(address: number, length: number, bytes: Buffer): number;
  i2cReadSync(address: number, length: number, bytes: Buffer): number;
  /** A read after a repeated START, up to 32 bytes. */
  readI2cBlockSync(address: number, register: number, length: number, bytes: Buffer): number;
}

/** A bus through the package. Throws ENOENT, EACCES. */
export function openPackageI2c({ openSync: openBus }: I2cBusPackage, path: string): NativeI2c {
  // The package itself opens the file with the first transaction only.
  closeSync(openSync(path, constants.O_RDWR));
  return new PackageI2c(openBus(Number(path.replace(/^.*-/, ''))));
}

class PackageI2c implements NativeI2c {
  readonly #bus: PackageBus;
  readonly #refused = new Map<number, unknown>();

  constructor(bus: PackageBus) {
    this.#bus = bus;
  }

  probe(address: number): void {
    this.#at(address, () => this.#bus.writeQuickSync(address, 0));
  }

  write(address: number, bytes: Uint8Array): void {
    this.#at(address, () => this.#bus.i2cWriteSync(address, bytes.length, Buffer.from(bytes)));
  }

  read(address: number, length: number): Uint8Array {
    const bytes = Buffer.alloc(length);
    this.#at(address, () => this.#bus.i2cReadSync(address, length, bytes));
    return bytes;
  }

  readRegister(address: number, register: number, length: number): Uint8Array {
    const bytes = Buffer.alloc(length);
    this.#at(address, () => this.#bus.readI2cBlockSync(address, register, length, bytes));
    return bytes;
  }

  /**
   * After the kernel refused an address (EBUSY: a driver of its own has it), i2c-bus 5.2.3 keeps the file that it opened for
   * it, whose address is 0 still: the next call would talk to every chip at once.
   */
  #at(address: number, call: () => void): void {
    if (this.#refused.has(address)) throw this.#refused.get(address);
    try {
      call();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).syscall === 'setAddrSync') this.#refused.set(address, error);
      throw error;
    }
  }
}
