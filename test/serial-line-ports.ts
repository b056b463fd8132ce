import { serialPorts } from '../daemon/buses/serial.ts';
import type { Ports } from '../drivers/driver.ts';
import { silentLog } from '../runtime/log.ts';
import type { SteppedClock } from '../sim/clock.ts';
import type { SimulatedSerialLine } from '../sim/serial-line.ts';
import { NoPorts } from './no-ports.ts';

/** Whatever serial port a driver asks for is this line, through the gateway's own ports. */
export class SerialLinePorts extends NoPorts {
  readonly #ports: Pick<Ports, 'serial' | 'serialBytes'>;

  constructor(line: SimulatedSerialLine, clock: SteppedClock) {
    super();
    this.#ports = serialPorts({ machine: line, clock, log: silentLog });
  }

  override serial(...settings: Parameters<Ports['serial']>): ReturnType<Ports['serial']> {
    return this.#ports.serial(...settings);
  }

  override serialBytes(...settings: Parameters<Ports['serialBytes']>): ReturnType<Ports['serialBytes']> {
    return this.#ports.serialBytes(...settings);
  }
}
