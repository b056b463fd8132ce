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

  /** The caller is answered when the signal is aborted, or after `READ_MS`; the turn ends when `work` has come back. */
  async #inTurn<T>(device: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    if (this.#stuckSinceMs !== undefined) throw stuckError(device);
    await this.#turns.take(signal);
    if (signal.aborted) {
      this.#turns.pass();
      throw signal.reason;
    }
    return await new Promise<T>((resolve, reject) => {
      const onAbort = (): void => reject(signal.reason as Error);
      signal.addEventListener('abort', onAbort, { once: true });
      const cancel = this.#context.clock.after(READ_MS, () => {
        this.#becomeStuck(device);
        reject(deadlineError(device));
      });
      const back = (): void => {
        cancel();
        signal.removeEventListener('abort', onAbort);
        this.#free();
        this.#turns.pass();
      };
      // Before its caller goes on, so that what the caller does next finds the wire as it is.
      work()
        .finally(back)
        .then(resolve, (cause: unknown) => reject(wireError(cause, device) as Error));
    });
  }

  #becomeStuck(device: string): void {
    const { clock, log } = this.#context;
    this.#stuckSinceMs = clock.monotonicMs();
    log.warn({ device, limitMs: READ_MS }, 'the 1-Wire bus is stuck: a read has not come back');
    this.#turns.turnAway(() => stuckError(device));
  }

  #free(): void {
    if (this.#stuckSinceMs === undefined) return;
    const { clock, log } = this.#context;
    log.info({ stuckMs: Math.round(clock.monotonicMs() - this.#stuckSinceMs) }, 'the 1-Wire bus is free again');
    this.#stuckSinceMs = undefined;
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
