import type { Duplex } from 'node:stream';
import type { ActuatorOutput, ActuatorOutputSettings } from '../../daemon/alarms/types.ts';
import type { I2cAdapter, Machine, SerialLineSettings, SerialOpening } from '../../daemon/buses/machine.ts';
import type { GpioInput, GpioInputSettings } from '../../drivers/driver.ts';
import type { Clock } from '../../runtime/clock.ts';
import { SimulatedI2cBus } from '../i2c-bus.ts';
import type { SimulatedSerialLine } from '../serial-line.ts';
import { SimulatedLine } from './gpio.ts';
import { SimulatedHost } from './host.ts';
import { JoinedOneWire } from './one-wire.ts';
import { SimulatedActuator } from './output.ts';

/** A TCP server somewhere in the network. */
export type SimulatedServer = Pick<Machine, 'openTcp'>;

/**
 * A Raspberry Pi without hardware. What stands on its buses is put there by whoever makes it; its parts are handles for
 * faults: `machine.bus('i2c-1').trouble(0x76, 'hang')`, `machine.serial(path)?.unplug()`.
 */
export class SimulatedMachine implements Machine {
  readonly isSimulated = true;
  readonly host = new SimulatedHost();
  readonly oneWire = new JoinedOneWire();
  readonly #clock: Clock;
  readonly #buses = new Map<string, SimulatedI2cBus>();
  readonly #serial = new Map<string, SimulatedSerialLine>();
  readonly #servers = new Map<string, SimulatedServer>();
  readonly #lines = new Map<string, SimulatedLine>();
  readonly #actuators = new Map<string, SimulatedActuator>();
  readonly #endings: (() => void | Promise<void>)[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Made at the first call; one that nobody made is not there. */
  bus(name: string): SimulatedI2cBus {
    return made(this.#buses, name, () => new SimulatedI2cBus());
  }

  /** Made at the first call. */
  line(name: string): SimulatedLine {
    return made(this.#lines, name, () => new SimulatedLine(name, this.#clock));
  }

  /** Made at the first call. */
  actuator(line: string): SimulatedActuator {
    return made(this.#actuators, line, () => new SimulatedActuator(line, this.#clock));
  }

  get buses(): readonly string[] {
    return [...this.#buses.keys()];
  }

  get serialPaths(): readonly string[] {
    return [...this.#serial.keys()];
  }

  get lines(): readonly string[] {
    return [...this.#lines.keys()];
  }

  serial(path: string): SimulatedSerialLine | undefined {
    return this.#serial.get(path);
  }

  attachSerial(path: string, line: SimulatedSerialLine): void {
    this.#serial.set(path, line);
  }

  server(host: string, port: number): SimulatedServer | undefined {
    return this.#servers.get(`${host}:${port}`);
  }

  attachServer(host: string, port: number, server: SimulatedServer): void {
    this.#servers.set(`${host}:${port}`, server);
  }

  /** What is to end with it. */
  onClose(end: () => void | Promise<void>): void {
    this.#endings.push(end);
  }

  i2c(bus: string): I2cAdapter {
    return this.#buses.get(bus) ?? absentBus();
  }

  async openSerial(settings: SerialLineSettings): Promise<SerialOpening> {
    const line = this.#serial.get(settings.path);
    if (line === undefined) throw faultOf('ENOENT', settings.path);
    return await line.openSerial(settings);
  }

  async openTcp(host: string, port: number, signal: AbortSignal): Promise<Duplex> {
    const server = this.#servers.get(`${host}:${port}`);
    if (server === undefined) throw faultOf('ECONNREFUSED', `${host}:${port}`);
    return await server.openTcp(host, port, signal);
  }

  gpioInput(settings: GpioInputSettings): GpioInput {
    return this.line(settings.line).input(settings);
  }

  output(settings: ActuatorOutputSettings): ActuatorOutput {
    return this.actuator(settings.line).output(settings);
  }

  async close(): Promise<void> {
    for (const end of this.#endings.splice(0)) await end();
    for (const line of this.#serial.values()) line.powerDown();
    for (const bus of this.#buses.values()) bus.release();
    this.oneWire.release();
  }
}

function absentBus(): I2cAdapter {
  const bus = new SimulatedI2cBus();
  bus.isAbsent = true;
  return bus;
}

function made<T>(all: Map<string, T>, name: string, make: () => T): T {
  const one = all.get(name) ?? make();
  all.set(name, one);
  return one;
}

function faultOf(code: string, what: string): Error {
  return Object.assign(new Error(`${code}: ${what} on the simulated machine`), { code });
}
