import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { i2cAdapterOf } from '../../daemon/buses/i2c/child-adapter.ts';
import type { I2cAdapter } from '../../daemon/buses/machine.ts';
import { systemClock } from '../../runtime/clock.ts';
import { type Log, silentLog } from '../../runtime/log.ts';
import { errno, libcFunction } from '../../runtime/native.ts';
import { SimulatedI2cBus } from '../../sim/i2c-bus.ts';
import { fakeI2cLibrary } from './build.ts';
import { FakeI2cBus } from './fake-bus.ts';

const AF_UNIX = 1;
const SOCK_STREAM_CLOEXEC = 1 | 0o2000000;
const socket = libcFunction('int socket(int domain, int type, int protocol)') as (...p: number[]) => number;
const bind = libcFunction('int bind(int fd, const void *address, uint32_t length)') as (...p: unknown[]) => number;
const close = libcFunction('int close(int fd)') as (fd: number) => number;

/**
 * A machine with fake /dev/i2c-N: processes that this one starts from now on have them, until its end. One at a time, since
 * they hear of it from the environment.
 */
export class NativeStage {
  readonly #folder = mkdtempSync(join(tmpdir(), 'mooring-i2c-'));
  readonly #fakes = new Map<number, FakeI2cBus>();
  readonly #adapters: I2cAdapter[] = [];

  constructor() {
    process.env.FAKE_I2C = this.#folder;
    process.env.LD_PRELOAD = fakeI2cLibrary();
  }

  /** Puts the bus of that number there, with the chips of `bus`. */
  async bus(number: number, bus = new SimulatedI2cBus(), muxes: readonly number[] = []): Promise<FakeI2cBus> {
    const fake = new FakeI2cBus(this.#folder, number, bus, muxes);
    await fake.listen();
    this.#fakes.set(number, fake);
    return fake;
  }

  /** Puts a bus there that this user may not open. */
  forbidden(number: number): void {
    const name = Buffer.from(`${join(this.#folder, String(number))}\0`);
    const address = Buffer.alloc(2 + name.length);
    address.writeUInt16LE(AF_UNIX, 0);
    name.copy(address, 2);
    const descriptor = socket(AF_UNIX, SOCK_STREAM_CLOEXEC, 0);
    if (bind(descriptor, address, address.length) !== 0) throw new Error(`bind failed with errno ${errno()}`);
    close(descriptor);
  }

  /** Gives an address of a bus to a driver of the kernel. */
  take(number: number, address: number): void {
    writeFileSync(join(this.#folder, `${number}.${address.toString(16).padStart(2, '0')}`), '');
  }

  /** The gateway's own adapter of that bus; through the package where `module` has it, else through koffi. */
  adapter(number: number, module: string, log: Log = silentLog): I2cAdapter {
    const adapter = i2cAdapterOf(`i2c-${number}`, { clock: systemClock, log, module });
    this.#adapters.push(adapter);
    return adapter;
  }

  async remove(number: number): Promise<void> {
    await this.#fakes.get(number)?.close();
    this.#fakes.delete(number);
  }

  async end(): Promise<void> {
    await Promise.all(this.#adapters.map((adapter) => adapter.close()));
    await Promise.all([...this.#fakes.keys()].map((number) => this.remove(number)));
    rmSync(this.#folder, { recursive: true });
    delete process.env.FAKE_I2C;
    delete process.env.LD_PRELOAD;
  }
}
