import type { Ports } from '../../drivers/driver.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Log } from '../../runtime/log.ts';
import { i2cPorts } from './i2c/ports.ts';
import type { Machine } from './machine.ts';
import { modbusPorts } from './modbus.ts';
import { oneWirePorts } from './one-wire.ts';
import { serialPorts } from './serial.ts';

export interface BusesContext {
  readonly machine: Machine;
  readonly clock: Clock;
  readonly log: Log;
}

/** All buses of a machine: what drivers and alarms reach it through. */
export interface Buses extends Pick<Machine, 'gpioInput' | 'output'> {
  readonly ports: Ports;
  /** Addresses at which something answers on an I²C bus. */
  scan(bus: string, signal: AbortSignal): Promise<number[]>;
  /** Gives back the machine: closes every bus, ends every helper. Never rejects, and waits for no call that hangs. */
  close(): Promise<void>;
}

/** Queues, deadlines and recovery above the wires of a machine, whether it is this one or a simulated one. */
export function busesOf({ machine, clock, log }: BusesContext): Buses {
  const context = { machine, clock, log };
  const i2c = i2cPorts(context);
  const modbus = modbusPorts(context);
  const gpioInput: Ports['gpioInput'] = (settings) => machine.gpioInput(settings);
  const ports: Ports = {
    ...serialPorts(context),
    i2c: (settings) => i2c.i2c(settings),
    modbus: (settings) => modbus.modbus(settings),
    ...oneWirePorts(context),
    gpioInput,
    host: machine.host,
  };
  return {
    ports,
    gpioInput,
    output: (settings) => machine.output(settings),
    scan: async (bus, signal) => await i2c.scan(bus, signal),
    async close() {
      await Promise.all([i2c.close(), modbus.close()]);
      await machine.close();
    },
  };
}
