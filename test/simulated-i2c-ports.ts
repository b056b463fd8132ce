import type { I2cJob } from '../daemon/buses/machine.ts';
import type { I2cDevice, I2cSettings } from '../drivers/driver.ts';
import { type ErrorCode, MooringError } from '../runtime/errors.ts';
import type { SimulatedI2cBus } from '../sim/i2c-bus.ts';
import { NoPorts } from './no-ports.ts';

/** Whatever bus a driver asks for is this one. Straight to it: no queue, no deadline, no second try. */
export class SimulatedI2cPorts extends NoPorts {
  readonly #bus: SimulatedI2cBus;

  constructor(bus: SimulatedI2cBus) {
    super();
    this.#bus = bus;
  }

  override i2c({ address, mux }: I2cSettings): I2cDevice {
    const bus = this.#bus;
    const run = async (job: Omit<I2cJob, 'address' | 'mux'>, signal: AbortSignal): Promise<Buffer> => {
      signal.throwIfAborted();
      const bytes = await translated(bus.run({ address, ...(mux === undefined ? {} : { mux }), ...job }));
      signal.throwIfAborted();
      return Buffer.from(bytes);
    };
    return {
      open: () => translated(bus.open()),
      write: async (bytes, signal) => void (await run({ write: bytes }, signal)),
      read: (readLength, signal) => run({ readLength }, signal),
      readRegister: (register, readLength, signal) =>
        run({ write: Uint8Array.of(register), readLength, isCombined: true }, signal),
      close: () => bus.close(),
    };
  }
}

const CODES: Readonly<Record<string, ErrorCode>> = { ENOENT: 'PORT_ABSENT', ENXIO: 'I2C_NO_DEVICE' };

async function translated<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    const { code = '' } = cause as NodeJS.ErrnoException;
    throw new MooringError(CODES[code] ?? 'BUS_FAILED', 'the simulated bus failed', { cause });
  }
}
