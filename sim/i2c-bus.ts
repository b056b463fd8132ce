import type { I2cAdapter, I2cJob } from '../daemon/buses/machine.ts';
import { SeededRandom } from '../runtime/random.ts';
import type { I2cChip } from './chips/chip.ts';

/** `nack`: absent. `hang`: holds the bus until released. `timeout`: stretches the clock too long. `garble`: a bit turned in each answer. `noise`: any bytes in place of it. `stuck`: its last answers again. */
export type I2cTrouble = 'nack' | 'hang' | 'timeout' | 'garble' | 'noise' | 'stuck';

/** An I²C bus of modelled chips: the adapter under the gateway's own bus, with its locks and deadlines. */
export class SimulatedI2cBus implements I2cAdapter {
  readonly #chips = new Map<number, I2cChip>();
  readonly #behindMux = new Map<string, I2cChip>();
  readonly #troubles = new Map<number, I2cTrouble>();
  readonly #lastAnswers = new Map<string, Uint8Array>();
  readonly #random = new SeededRandom(1);
  #held: (() => void)[] = [];
  #isAbsent = false;
  /** Transactions so far, of which those under way now. */
  transactions = 0;
  underWay = 0;

  constructor(...chips: readonly I2cChip[]) {
    for (const chip of chips) this.attach(chip);
  }

  attach(chip: I2cChip, mux?: { readonly address: number; readonly channel: number }): void {
    if (mux === undefined) this.#chips.set(chip.address, chip);
    else this.#behindMux.set(`${mux.address}/${mux.channel}/${chip.address}`, chip);
  }

  /** The chip that is taken off. */
  detach(address: number): I2cChip | undefined {
    const chip = this.#chips.get(address);
    this.#chips.delete(address);
    return chip;
  }

  /** What the chip at an address does from now on; undefined: it is well again. */
  trouble(address: number, trouble: I2cTrouble | undefined): void {
    if (trouble === undefined) this.#troubles.delete(address);
    else this.#troubles.set(address, trouble);
    if (trouble !== 'hang') this.release();
  }

  /** Lets every transaction that hangs come back, as after a power cycle of the bus. */
  release(): void {
    for (const resolve of this.#held.splice(0)) resolve();
  }

  /** Whether the device file is there. */
  set isAbsent(isAbsent: boolean) {
    this.#isAbsent = isAbsent;
  }

  async open(): Promise<void> {
    if (this.#isAbsent) throw faultOf('ENOENT');
    await Promise.resolve();
  }

  async run(job: I2cJob): Promise<Uint8Array> {
    this.transactions += 1;
    this.underWay += 1;
    try {
      return await this.#run(job);
    } finally {
      this.underWay -= 1;
    }
  }

  async close(): Promise<void> {
    await Promise.resolve();
  }

  async #run({ address, mux, write, readLength = 0 }: I2cJob): Promise<Uint8Array> {
    const trouble = this.#troubles.get(address);
    if (trouble === 'hang') {
      await new Promise<void>((resolve) => this.#held.push(resolve));
      throw faultOf('ETIMEDOUT');
    }
    await Promise.resolve();
    if (this.#isAbsent) throw faultOf('ENODEV');
    if (trouble === 'timeout') throw faultOf('ETIMEDOUT');
    const chip =
      mux === undefined ? this.#chips.get(address) : this.#behindMux.get(`${mux.address}/${mux.channel}/${address}`);
    if (trouble === 'nack' || chip === undefined) throw faultOf('ENXIO');
    if (write !== undefined) chip.write(write);
    if (readLength === 0) return new Uint8Array(0);
    return this.#answer(chip, trouble, `${address}/${write?.join() ?? ''}/${readLength}`, readLength);
  }

  #answer(chip: I2cChip, trouble: I2cTrouble | undefined, key: string, length: number): Uint8Array {
    const answer = Uint8Array.from(chip.read(length));
    if (trouble === 'noise') return this.#random.bytes(length);
    if (trouble === 'stuck') return this.#lastAnswers.get(key) ?? answer;
    if (trouble === 'garble') answer[length - 1] = (answer[length - 1] as number) ^ 0x40;
    this.#lastAnswers.set(key, answer);
    return answer;
  }
}

function faultOf(code: string): Error {
  return Object.assign(new Error(`${code}: on the simulated I2C bus`), { code });
}
