import { Worker } from 'node:worker_threads';
import type { I2cAdapter, I2cJob } from '../../daemon/buses/machine.ts';
import type { I2cChip } from '../../sim/chips/chip.ts';
import { SimulatedI2cBus } from '../../sim/i2c-bus.ts';

/**
 * Buses whose transactions end in another thread, as a Pi's end in another process: what has arrived waits until the
 * gateway's own thread has time for it. All moments are the kernel's monotonic clock, in nanoseconds.
 */
export class Wire {
  readonly #thread = new Worker(new URL('./wire-thread.ts', import.meta.url), { execArgv: [] });
  readonly #waiting = new Map<number, (atNs: bigint) => void>();
  #lastId = 0;

  constructor() {
    this.#thread.on('message', ([id, atNs]: [number, bigint]) => {
      this.#waiting.get(id)?.(atNs);
      this.#waiting.delete(id);
    });
  }

  bus(...chips: readonly I2cChip[]): WiredBus {
    return new WiredBus(new SimulatedI2cBus(...chips), async () => await this.#answer());
  }

  async close(): Promise<void> {
    await this.#thread.terminate();
  }

  async #answer(): Promise<bigint> {
    this.#lastId += 1;
    const id = this.#lastId;
    return await new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#thread.postMessage(id);
    });
  }
}

export class WiredBus implements I2cAdapter {
  readonly simulated: SimulatedI2cBus;
  readonly #answered: () => Promise<bigint>;
  /** When the last byte of the newest answer was there. */
  answeredNs = 0n;

  constructor(simulated: SimulatedI2cBus, answered: () => Promise<bigint>) {
    this.simulated = simulated;
    this.#answered = answered;
  }

  async open(): Promise<void> {
    await this.simulated.open();
  }

  async run(job: I2cJob): Promise<Uint8Array> {
    const answer = await this.simulated.run(job);
    this.answeredNs = await this.#answered();
    return answer;
  }

  async close(): Promise<void> {
    await this.simulated.close();
  }
}
