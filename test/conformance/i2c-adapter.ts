import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { I2cAdapter, I2cJob } from '../../daemon/buses/machine.ts';
import { SimulatedI2cBus } from '../../sim/i2c-bus.ts';
import { Memory } from '../i2c-stage.ts';
import { eventually } from '../processes.ts';

/** An adapter that is not open yet, and the bus below it. */
export interface I2cStage {
  readonly adapter: I2cAdapter;
  /** Takes the bus's device file away, or brings it back. */
  absent(isAbsent: boolean): Promise<void>;
  end(): Promise<void>;
}

/** Where adapters of one kind can be tried: on the wire are the chips of `bus`, and TCA9548As at `muxes`. */
export type I2cHarness = (bus: SimulatedI2cBus, muxes: readonly number[]) => Promise<I2cStage>;

const MUX = 0x70;
const OTHER_MUX = 0x71;
const WITHIN_MS = 10_000;

/** A chip that answers with its own number, so that it is seen who answered. */
class Numbered extends Memory {
  readonly #number: number;

  constructor(address: number, number: number) {
    super(address);
    this.#number = number;
  }

  override read(length: number): Uint8Array {
    return new Uint8Array(length).fill(this.#number);
  }
}

/** What `I2cAdapter` promises, of every one of them. */
export function describeI2cAdapter(name: string, harness: I2cHarness): void {
  describe(`an I2C adapter: ${name}`, () => {
    const memory = new Memory(0x50);
    const bus = new SimulatedI2cBus(memory);
    let stage: I2cStage;
    let adapter: I2cAdapter;

    // One for all: each that is opened costs a process.
    beforeAll(async () => {
      stage = await harness(bus, [MUX, OTHER_MUX]);
      adapter = stage.adapter;
      await adapter.open();
    });

    afterEach(() => {
      bus.trouble(0x50, undefined);
      memory.said.length = 0;
    });

    afterAll(async () => {
      bus.release();
      await adapter.close();
      await stage.end();
    });

    const run = async (job: I2cJob): Promise<number[]> => [...(await adapter.run(job))];
    const register = (at: number, readLength: number, address = 0x50): I2cJob => ({
      address,
      write: Uint8Array.of(at),
      readLength,
      isCombined: true,
    });

    test('writes bytes, and brings none', async () => {
      expect(await run({ address: 0x50, write: Uint8Array.of(1, 2, 255, 0) })).toEqual([]);
      expect(memory.said).toEqual([[1, 2, 255, 0]]);
    });

    test('reads up to 64 bytes without a register', async () => {
      await run({ address: 0x50, write: Uint8Array.of(0) });
      expect(await run({ address: 0x50, readLength: 1 })).toEqual([0]);
      expect(await run({ address: 0x50, readLength: 64 })).toEqual(Array.from({ length: 64 }, (_, index) => index));
      expect(memory.said).toEqual([[0]]);
    });

    test.each([1, 2, 31, 32])('reads %i bytes of a register after a repeated START', async (length) => {
      expect(await run(register(0xf7, length))).toEqual(Array.from({ length }, (_, index) => (0xf7 + index) & 0xff));
      expect(memory.said).toEqual([[0xf7]]);
    });

    test('writes and then reads, with a STOP between', async () => {
      expect(await run({ address: 0x50, write: Uint8Array.of(0x20, 0x03), readLength: 3 })).toEqual([0x20, 0x21, 0x22]);
      expect(memory.said).toEqual([[0x20, 0x03]]);
    });

    test('asks with the address alone whether somebody answers', async () => {
      expect(await run({ address: 0x50, write: new Uint8Array() })).toEqual([]);
      await expect(adapter.run({ address: 0x51, write: new Uint8Array() })).rejects.toMatchObject({ code: 'ENXIO' });
    });

    test('chips of the same address on several channels are told apart', async () => {
      const mux = (channel: number, address = MUX): I2cJob['mux'] & object => ({ address, channel });
      bus.attach(new Numbered(0x76, 0x11), mux(0));
      bus.attach(new Numbered(0x76, 0x22), mux(7));
      bus.attach(new Numbered(0x76, 0x44), mux(0, OTHER_MUX));
      const read = async (at?: I2cJob['mux']): Promise<number[]> =>
        await run({ ...register(0xd0, 1, 0x76), ...(at === undefined ? {} : { mux: at }) });
      for (const _ of [1, 2]) {
        expect(await read(mux(0))).toEqual([0x11]);
        expect(await read(mux(7))).toEqual([0x22]);
        expect(await read(mux(0, OTHER_MUX))).toEqual([0x44]);
      }
      // What stands before the multiplexers is none of those behind them.
      await expect(read()).rejects.toMatchObject({ code: 'ENXIO' });
      bus.attach(new Numbered(0x76, 0xff));
      expect(await read()).toEqual([0xff]);
    });

    test('nobody at the address: ENXIO, and the next transaction is well', async () => {
      await expect(adapter.run({ address: 0x51, readLength: 1 })).rejects.toMatchObject({ code: 'ENXIO' });
      await expect(adapter.run(register(0, 1, 0x51))).rejects.toMatchObject({ code: 'ENXIO' });
      await expect(adapter.run({ address: 0x51, write: Uint8Array.of(0) })).rejects.toMatchObject({ code: 'ENXIO' });
      expect(await run(register(9, 1))).toEqual([9]);
    });

    test('a clock that is held too long: ETIMEDOUT', async () => {
      bus.trouble(0x50, 'timeout');
      await expect(adapter.run(register(0, 1))).rejects.toMatchObject({ code: 'ETIMEDOUT' });
      bus.trouble(0x50, undefined);
      expect(await run(register(9, 1))).toEqual([9]);
    });

    test('a call that hangs comes back with an error when the bus is released, and the bus can be opened anew', async () => {
      bus.trouble(0x50, 'hang');
      let isBack = false;
      const hung = adapter.run(register(0, 1)).finally(() => {
        isBack = true;
      });
      const outcome = expect(hung).rejects.toMatchObject({ code: 'ETIMEDOUT' });
      await eventually('the call is with the chip', WITHIN_MS, () => bus.underWay > 0);
      expect(isBack).toBe(false);
      bus.trouble(0x50, undefined);
      await outcome;
      await adapter.close();
      await adapter.open();
      expect(await run(register(9, 1))).toEqual([9]);
    });

    test('closing is harmless twice', async () => {
      await adapter.close();
      await adapter.close();
      await adapter.open();
      expect(await run(register(9, 1))).toEqual([9]);
    });

    test('no such bus: ENOENT', async () => {
      await adapter.close();
      await stage.absent(true);
      await expect(adapter.open()).rejects.toMatchObject({ code: 'ENOENT' });
      await stage.absent(false);
      await adapter.open();
      expect(await run(register(9, 1))).toEqual([9]);
    });
  });
}
