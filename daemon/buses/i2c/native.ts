import { systemCodeOf } from '../child/messages.ts';
import type { I2cJob } from '../machine.ts';

/**
 * A bus that is open, through calls that block until the kernel answers. For the child process only. Throws Node's errors
 * of the system; EBUSY where a driver of the kernel has the address.
 */
export interface NativeI2c {
  /** START, address, STOP: whether somebody answers. */
  probe(address: number): void;
  write(address: number, bytes: Uint8Array): void;
  read(address: number, length: number): Uint8Array;
  /** With a repeated START after the byte. */
  readRegister(address: number, register: number, length: number): Uint8Array;
}

/**
 * Does whole jobs on an open bus. A chip behind a multiplexer is reached by naming its channel before every transaction: a
 * multiplexer that lost its power, or that somebody else has switched, would connect another chip of the same address
 * without a word.
 *
 * The channel stays connected after it, which spares a write where transactions follow each other through one multiplexer.
 * It is disconnected before a transaction that goes elsewhere: chips behind it may have the addresses of chips before it,
 * or behind another multiplexer, and two that answer at once spoil each other's bits. (What it cannot cure: a chip before
 * a multiplexer answers always, so none behind it may have its address.)
 */
export class I2cJobs {
  readonly #native: NativeI2c;
  /** Addresses of the multiplexers that may have a channel connected. */
  readonly #connected: Set<number>;

  /** @param muxes those on the bus: whoever had it before, and was killed, has left a channel connected */
  constructor(native: NativeI2c, muxes: readonly number[]) {
    this.#native = native;
    this.#connected = new Set(muxes);
  }

  run({ address, mux, write, readLength = 0, isCombined = false }: I2cJob): Uint8Array {
    for (const other of this.#connected) if (other !== mux?.address) this.#disconnect(other);
    if (mux !== undefined) {
      // Also where it fails: it may have been heard.
      this.#connected.add(mux.address);
      this.#native.write(mux.address, Uint8Array.of(1 << mux.channel));
    }
    if (isCombined && write?.[0] !== undefined) return this.#native.readRegister(address, write[0], readLength);
    if (write?.length === 0) this.#native.probe(address);
    else if (write !== undefined) this.#native.write(address, write);
    return readLength > 0 ? this.#native.read(address, readLength) : new Uint8Array();
  }

  #disconnect(mux: number): void {
    try {
      this.#native.write(mux, Uint8Array.of(0));
    } catch (error) {
      // Nobody there: unplugged or without power, so nothing is connected.
      if (!isNoAnswer(error)) throw error;
    }
    this.#connected.delete(mux);
  }
}

function isNoAnswer(error: unknown): boolean {
  return ['ENXIO', 'EREMOTEIO'].includes(systemCodeOf(error) ?? '');
}
