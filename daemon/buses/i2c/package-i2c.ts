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

  constructor(bus: PackageBus) {
    this.#bus = bus;
  }

  probe(address: number): void {
    this.#bus.writeQuickSync(address, 0);
  }

  write(address: number, bytes: Uint8Array): void {
    this.#bus.i2cWriteSync(address, bytes.length, Buffer.from(bytes));
  }

  read(address: number, length: number): Uint8Array {
    const bytes = Buffer.alloc(length);
    this.#bus.i2cReadSync(address, length, bytes);
    return bytes;
  }

  readRegister(address: number, register: number, length: number): Uint8Array {
    const bytes = Buffer.alloc(length);
    this.#bus.readI2cBlockSync(address, register, length, bytes);
    return bytes;
  }
}
