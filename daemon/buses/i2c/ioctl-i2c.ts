import { constants, openSync } from 'node:fs';
import { getSystemErrorName } from 'node:util';
import { addressOf, errno, libcFunction } from '../../../runtime/native.ts';
import type { NativeI2c } from './native.ts';

/** Requests and structures of <linux/i2c-dev.h> and <linux/i2c.h>. */
const I2C_SLAVE = 0x0703;
const I2C_RDWR = 0x0707;
const I2C_SMBUS = 0x0720;
const I2C_M_RD = 1;
const SMBUS_WRITE = 0;
const SMBUS_QUICK = 0;
/** `struct i2c_msg` on a 64-bit machine: address, flags and length of 16 bits, then a pointer. */
const MESSAGE_BYTES = 16;
const POINTER_AT = 8;

const ioctl = libcFunction('int ioctl(int fd, unsigned long request, void *argument)') as (
  ...p: readonly (number | Buffer | bigint)[]
) => number;
const ioctlNumber = libcFunction('int ioctl(int fd, unsigned long request, unsigned long argument)') as (
  ...p: number[]
) => number;

/** What the kernel knows by its address while a call is out: nothing else of this process may refer to it any more by then. */
const lent: Buffer[] = [];

/** A bus through the C library: needs no compiler at installation. Throws ENOENT, EACCES. */
export function openIoctlI2c(path: string): NativeI2c {
  return new IoctlI2c(openSync(path, constants.O_RDWR));
}

class IoctlI2c implements NativeI2c {
  readonly #descriptor: number;
  readonly #ours = new Set<number>();

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  probe(address: number): void {
    check(ioctlNumber(this.#descriptor, I2C_SLAVE, address), address);
    const request = Buffer.alloc(16);
    request.writeUInt8(SMBUS_WRITE, 0);
    request.writeUInt32LE(SMBUS_QUICK, 4);
    check(ioctl(this.#descriptor, I2C_SMBUS, request), address);
  }

  write(address: number, bytes: Uint8Array): void {
    this.#transfer(address, { flags: 0, bytes: Buffer.from(bytes) });
  }

  read(address: number, length: number): Uint8Array {
    const bytes = Buffer.alloc(length);
    this.#transfer(address, { flags: I2C_M_RD, bytes });
    return bytes;
  }

  readRegister(address: number, register: number, length: number): Uint8Array {
    const bytes = Buffer.alloc(length);
    this.#transfer(address, { flags: 0, bytes: Buffer.from([register]) }, { flags: I2C_M_RD, bytes });
    return bytes;
  }

  #transfer(address: number, ...messages: readonly { readonly flags: number; readonly bytes: Buffer }[]): void {
    this.#claim(address);
    const list = Buffer.alloc(MESSAGE_BYTES * messages.length);
    messages.forEach(({ flags, bytes }, index) => {
      const at = index * MESSAGE_BYTES;
      list.writeUInt16LE(address, at);
      list.writeUInt16LE(flags, at + 2);
      list.writeUInt16LE(bytes.length, at + 4);
      list.writeBigUInt64LE(addressOf(bytes), at + POINTER_AT);
    });
    const request = Buffer.alloc(16);
    request.writeBigUInt64LE(addressOf(list), 0);
    request.writeUInt32LE(messages.length, POINTER_AT);
    lent.push(list, ...messages.map(({ bytes }) => bytes));
    const result = ioctl(this.#descriptor, I2C_RDWR, request);
    lent.length = 0;
    check(result, address);
  }

  /** I2C_RDWR would talk between the calls of a driver of the kernel; I2C_SLAVE refuses to (EBUSY). */
  #claim(address: number): void {
    if (this.#ours.has(address)) return;
    check(ioctlNumber(this.#descriptor, I2C_SLAVE, address), address);
    this.#ours.add(address);
  }
}

function check(result: number, address: number): void {
  if (result >= 0) return;
  const number = -errno();
  const code = getSystemErrorName(number);
  throw Object.assign(new Error(`${code}: address 0x${address.toString(16)}`), { code, errno: number });
}
