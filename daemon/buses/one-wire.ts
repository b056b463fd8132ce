import type { OneWireDevice, Ports } from '../../drivers/driver.ts';
import type { Clock } from '../../runtime/clock.ts';
import { MooringError } from '../../runtime/errors.ts';
import type { Log } from '../../runtime/log.ts';
import { CallLane } from './call-lane.ts';
import type { Machine } from './machine.ts';

export interface OneWireContext {
  readonly machine: Pick<Machine, 'oneWire'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** A conversion at full resolution takes 750 ms, and the kernel may begin it again; twice that is no answer. */
const READ_MS = 3000;

/** The 1-Wire side of `Ports`. One read at a time, as the wire is one; a read that does not come back leaves it stuck. */
export function oneWirePorts(context: OneWireContext): Pick<Ports, 'oneWire'> {
  const wire = new OneWire(context);
  return { oneWire: (device) => new DeviceOnWire(device, wire) };
}

class DeviceOnWire implements OneWireDevice {
  readonly #device: string;
  readonly #wire: OneWire;

  constructor(device: string, wire: OneWire) {
    this.#device = device;
    this.#wire = wire;
  }

  async open(signal: AbortSignal): Promise<void> {
    await this.#wire.find(this.#device, signal);
  }

  async read(file: string, signal: AbortSignal): Promise<string> {
    return await this.#wire.read(this.#device, file, signal);
  }

  async close(): Promise<void> {
    await Promise.resolve();
  }
}

class OneWire {
  readonly #machine: OneWireContext['machine'];
  readonly #lane: CallLane<string>;

  constructor({ machine, clock, log }: OneWireContext) {
    this.#machine = machine;
    this.#lane = new CallLane({
      clock,
      limitMs: READ_MS,
      deadlineError,
      stuckError,
      onStuck: (device) => log.warn({ device, limitMs: READ_MS }, 'the 1-Wire bus is stuck: a read has not come back'),
      onFree: (device, stuckMs) => log.info({ device, stuckMs }, 'the 1-Wire bus is free again'),
    });
  }

  async find(device: string, signal: AbortSignal): Promise<void> {
    const devices = await this.#ask(device, signal, () => this.#machine.oneWire.list());
    if (!devices.includes(device)) throw absentError(device, devices);
  }

  async read(device: string, file: string, signal: AbortSignal): Promise<string> {
    return await this.#ask(device, signal, () => this.#machine.oneWire.read(device, file));
  }

  async #ask<T>(device: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    return await this.#lane.run(device, signal, async () => {
      try {
        return await work();
      } catch (cause) {
        throw wireError(cause, device);
      }
    });
  }
}

function stuckError(device: string): MooringError {
  return new MooringError('BUS_STUCK', 'a read of the 1-Wire bus has not come back', {
    context: { device },
    hint: 'Look for a short between data and ground, and whether the pull-up of 4.7 kΩ is there.',
  });
}

function deadlineError(device: string): MooringError {
  return new MooringError('DEADLINE', 'the 1-Wire device did not answer in time', {
    context: { device, limitMs: READ_MS },
  });
}

function absentError(device: string, devices: readonly string[]): MooringError {
  return new MooringError('PORT_ABSENT', `the kernel knows no 1-Wire device ${device}`, {
    context: { device, known: devices },
    hint:
      devices.length === 0
        ? 'Is 1-Wire switched on (`dtoverlay=w1-gpio` in config.txt), and the pull-up of 4.7 kΩ there?'
        : `It knows ${devices.join(', ')}.`,
  });
}

/** The operating error for what the system said. Anything that is no system's error is a bug, and comes back as it is. */
function wireError(cause: unknown, device: string): unknown {
  const { code } = cause as NodeJS.ErrnoException;
  if (cause instanceof MooringError || typeof code !== 'string' || code.startsWith('ERR_')) return cause;
  if (code === 'ENOENT' || code === 'ENODEV') {
    return new MooringError('PORT_LOST', 'the 1-Wire device is gone', { cause, context: { device } });
  }
  return new MooringError('BUS_FAILED', 'the read failed on the 1-Wire bus', {
    cause,
    context: { device },
    hint: 'Check the pull-up of 4.7 kΩ between data and 3.3 V, the plugs, and the length of the wires.',
  });
}
