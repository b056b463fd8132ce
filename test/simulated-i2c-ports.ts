import { i2cPorts } from '../daemon/buses/i2c/ports.ts';
import type { I2cDevice, I2cSettings } from '../drivers/driver.ts';
import type { Clock } from '../runtime/clock.ts';
import { silentLog } from '../runtime/log.ts';
import type { SimulatedI2cBus } from '../sim/i2c-bus.ts';
import { NoPorts } from './no-ports.ts';

/** A machine with I²C buses and nothing else, whose every bus is this one; queue, deadlines and recovery are the gateway's own. */
export class SimulatedI2cPorts extends NoPorts {
  readonly #i2c: ReturnType<typeof i2cPorts>;

  constructor(bus: SimulatedI2cBus, clock: Clock) {
    super();
    this.#i2c = i2cPorts({ machine: { i2c: () => bus }, clock, log: silentLog });
  }

  override i2c(settings: I2cSettings): I2cDevice {
    return this.#i2c.i2c(settings);
  }
}
