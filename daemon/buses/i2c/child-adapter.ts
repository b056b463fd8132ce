import assert from 'node:assert/strict';
import { extname } from 'node:path';
import type { Clock } from '../../../runtime/clock.ts';
import type { Log } from '../../../runtime/log.ts';
import { ChildProcessCalls } from '../child/calls.ts';
import type { I2cAdapter, I2cJob } from '../machine.ts';
import type { BusOpening, OpenBus, RunJob } from './bus-messages.ts';

/** Run from the sources it is TypeScript, run from the package it is not. */
const PROGRAM = new URL(`./bus-process${extname(import.meta.url)}`, import.meta.url);

export interface ChildAdapterContext {
  readonly clock: Clock;
  readonly log: Log;
  /** Where the package `i2c-bus` is to be found. Default: its name. */
  readonly module?: string;
}

/**
 * A bus of this machine (`i2c-1` for /dev/i2c-1), in a process of its own: a call that hangs keeps nothing of the daemon,
 * neither a thread of its pool nor its end. Through the package `i2c-bus` where that works, else through the C library.
 */
export function i2cAdapterOf(bus: string, context: ChildAdapterContext): I2cAdapter {
  return new ChildAdapter(bus, context);
}

class ChildAdapter implements I2cAdapter {
  readonly #bus: string;
  readonly #log: Log;
  readonly #module: string;
  readonly #calls: ChildProcessCalls;
  #said: string | undefined;

  constructor(bus: string, { clock, log, module = 'i2c-bus' }: ChildAdapterContext) {
    assert(/^i2c-\d+$/.test(bus), 'the name of an I2C bus');
    this.#bus = bus;
    this.#log = log;
    this.#module = module;
    this.#calls = new ChildProcessCalls({ program: PROGRAM, clock });
  }

  async open(muxes: readonly number[] = []): Promise<void> {
    this.#calls.start();
    const question: OpenBus = { ask: 'open', path: `/dev/${this.#bus}`, module: this.#module, muxes };
    let opening: BusOpening;
    try {
      opening = await this.#calls.call<BusOpening>(question);
    } catch (error) {
      // A bus that is not there, or not yet, costs no process.
      await this.#calls.end();
      throw error;
    }
    const { library, reason } = opening;
    if (library === this.#said) return;
    this.#said = library;
    this.#log.info({ bus: this.#bus, library, ...(reason === undefined ? {} : { reason }) }, 'I2C bus is open');
  }

  async run({ write, ...job }: I2cJob): Promise<Uint8Array> {
    const bytes = write === undefined ? {} : { write: Buffer.from(write).toString('hex') };
    const question: RunJob = { ask: 'run', job: { ...job, ...bytes } };
    return Buffer.from(await this.#calls.call<string>(question), 'hex');
  }

  /** Also while a call is out, which then fails with ECHILD. Never rejects. */
  async close(): Promise<void> {
    await this.#calls.end();
  }
}
