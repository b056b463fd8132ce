/**
 * A model of a chip on an I²C bus: it answers to the bytes on the wire as the data sheet says, from registers that follow
 * from the true values around it. A driver's test never answers from a script.
 */
export interface I2cChip {
  /** 7 bits. */
  readonly address: number;
  /** START, address, bytes, then STOP or a repeated START. Throws `I2cNack` where the chip does not acknowledge. */
  write(bytes: Uint8Array): void;
  /** START, address, `length` bytes. Throws `I2cNack` where it has nothing to give. */
  read(length: number): Uint8Array;
}

/** The chip does not acknowledge. */
export class I2cNack extends Error {
  readonly code = 'ENXIO';

  constructor() {
    super('no acknowledgement');
  }
}

/** The true value of a quantity at this moment, in the registry's unit of the metric of that name: what chips measure. */
export type Truth = (quantity: string) => number;
