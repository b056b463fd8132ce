import type { Clock } from '../../runtime/clock.ts';
import type { Log } from '../../runtime/log.ts';
import { gpioOf } from './gpio/gpio.ts';
import { hostSystem } from './host.ts';
import { i2cAdapterOf } from './i2c/child-adapter.ts';
import type { Machine } from './machine.ts';
import { openTcpSocket } from './modbus-tcp.ts';
import { oneWireFiles } from './one-wire-files.ts';
import { openSerialPort } from './serial-port.ts';

/** The wires of this machine. Nothing is opened or started before it is asked for. */
export function thisMachine(context: { readonly clock: Clock; readonly log: Log }): Machine {
  const gpio = gpioOf(context);
  const oneWire = oneWireFiles(context);
  return {
    isSimulated: false,
    i2c: (bus) => i2cAdapterOf(bus, context),
    openSerial: openSerialPort,
    openTcp: openTcpSocket,
    oneWire,
    host: hostSystem(context),
    gpioInput: (settings) => gpio.gpioInput(settings),
    output: (settings) => gpio.output(settings),
    close: async () => void (await Promise.all([gpio.close(), oneWire.close()])),
  };
}
