import type { OneWireDevice, Ports } from '../../drivers/driver.ts';
import type { Clock } from '../../runtime/clock.ts';
import { MooringError } from '../../runtime/errors.ts';
import type { Log } from '../../runtime/log.ts';
import type { Machine } from './machine.ts';
import { Turns } from './turns.ts';

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
  readonly #context: OneWireContext;
  readonly #turns = new Turns();
  #stuckSinceMs: number | undefined;

  constructor(context: OneWireContext) {
    this.#context = context;
  }

  async find(device: string, signal: AbortSignal): Promise<void> {
    const devices = await this.#inTurn(device, signal, async () => await this.#context.machine.oneWire.list());
    if (!devices.includes(device)) throw absentError(device, devices);
  }

  async read(device: string, file: string, signal: AbortSignal): Promise<string> {
    return await this.#inTurn(device, signal, async () => await this.#context.machine.oneWire.read(device, file));
  }

  async #inTurn<T>(device: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    this.#throwIfStuck(device);
    await this.#turns.take(signal);
    const working = work();
    const done = working.then(
      () => this.#free(),
      () => this.#free(),
    );
    try {
      return await this.#atMost(working, device);
    } catch (cause) {
      throw wireError(cause, device);
    } finally {
      // The next one has its turn when this one is really over, whoever has been answered meanwhile.
      void done.then(() => this.#turns.pass());
    }
  }

  async #atMost<T>(working: Promise<T>, device: string): Promise<T> {
    const { clock, log } = this.#context;
    return await new Promise<T>((resolve, reject) => {
      const cancel = clock.after(READ_MS, () => {
        this.#stuckSinceMs = clock.monotonicMs();
        log.warn({ device, limitMs: READ_MS }, 'the 1-Wire bus is stuck');
        this.#turns.turnAway(() => stuckError(device));
        reject(
          new MooringError('DEADLINE', 'the 1-Wire device did not answer in time', {
            context: { device, limitMs: READ_MS },
          }),
        );
      });
      working.then(
        (value) => {
          cancel();
          resolve(value);
        },
        (error: unknown) => {
          cancel();
          reject(error as Error);
        },
      );
    });
  }

  #free(): void {
    if (this.#stuckSinceMs === undefined) return;
    const { clock, log } = this.#context;
    log.info({ stuckMs: Math.round(clock.monotonicMs() - this.#stuckSinceMs) }, 'the 1-Wire bus is free again');
    this.#stuckSinceMs = undefined;
  }

  #throwIfStuck(device: string): void {
    if (this.#stuckSinceMs !== undefined) throw stuckError(device);
  }
}

function stuckError(device: string): MooringError {
  return new MooringError('BUS_STUCK', 'a read of the 1-Wire bus has not come back', {
    context: { device },
    hint: 'Look for a short between data and ground, and whether the pull-up of 4.7 kΩ is there.',
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

const ABSENT = new Set(['ENOENT', 'ENODEV']);
const WIRE = new Set(['EIO', 'ETIMEDOUT', 'EAGAIN', 'ECHILD']);

function wireError(cause: unknown, device: string): unknown {
  const { code = '' } = cause as NodeJS.ErrnoException;
  if (cause instanceof MooringError) return cause;
  if (ABSENT.has(code)) return new MooringError('PORT_LOST', `the 1-Wire device ${device} is gone`, { cause });
  if (WIRE.has(code))
    return new MooringError('BUS_FAILED', 'an error on the 1-Wire bus', { cause, context: { device } });
  return cause;
}
