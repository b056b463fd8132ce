import type { Machine } from '../daemon/buses/machine.ts';
import { modbusPorts } from '../daemon/buses/modbus.ts';
import type { ModbusDevice, ModbusSettings } from '../drivers/driver.ts';
import type { Clock } from '../runtime/clock.ts';
import { silentLog } from '../runtime/log.ts';
import { NoPorts } from './no-ports.ts';

/** Whatever Modbus line a driver asks for is this one, through the gateway's own queue. */
export class ModbusLinePorts extends NoPorts {
  readonly #modbus: (settings: ModbusSettings) => ModbusDevice;

  constructor(machine: Partial<Pick<Machine, 'openSerial' | 'openTcp'>>, clock: Clock) {
    super();
    const nothing = (): Promise<never> => Promise.reject(new Error('the test has no such line'));
    const openSerial: Machine['openSerial'] = machine.openSerial?.bind(machine) ?? nothing;
    const openTcp: Machine['openTcp'] = machine.openTcp?.bind(machine) ?? nothing;
    this.#modbus = modbusPorts({ machine: { openSerial, openTcp }, clock, log: silentLog }).modbus;
  }

  override modbus(settings: ModbusSettings): ModbusDevice {
    return this.#modbus(settings);
  }
}
