import { isDeepStrictEqual } from 'node:util';
import { MooringError } from '../../runtime/errors.ts';
import type { I2cDevice, PolledSensor, Reading, SensorContext } from '../driver.ts';

/** Samples that the chip averages for one reading, and the bits that say so in its control registers. */
const OVERSAMPLING_BITS = { 1: 1, 2: 2, 4: 3, 8: 4, 16: 5 } as const;
export type Oversampling = keyof typeof OVERSAMPLING_BITS;
export const OVERSAMPLINGS = [1, 2, 4, 8, 16] as const satisfies readonly Oversampling[];

/** What is different about each chip of the family. `T`: its trimming words. */
export interface ForcedChip<T> {
  /** What `identify` has to find. */
  readonly id: number;
  readonly name: string;
  /** Quantities that are measured, each as long as the others. */
  readonly quantities: 2 | 3;
  /** Bytes of data from 0xF7 on. */
  readonly dataBytes: number;
  /** Reads the trimming words; undefined where they cannot be those of a chip. */
  trimming(read: (register: number, length: number) => Promise<Buffer>): Promise<T | undefined>;
  /** Registers to write, with their values, before a measurement is begun. */
  settings(oversamplingBits: number): readonly number[];
  /** Turns the data into a reading; undefined where no measurement can have given them. */
  convert(data: Buffer, trimming: T): Reading | undefined;
}

const ID = 0xd0;
const RESET = 0xe0;
const RESET_WORD = 0xb6;
/** `status`, `ctrl_meas`, `config`, one that is reserved, then the data. */
const STATUS = 0xf3;
const CONTROL = 0xf4;
const CONFIG = 0xf5;
const DATA_OFFSET = 4;
const MEASURING = 0x08;
const UPDATING = 0x01;
const FORCED = 0b01;
/**
 * The standby time of normal mode, which forced mode has no use for; no filter. It is 0 in a chip that has had no power
 * since it was set up, which may be another one by now.
 */
const CONFIG_MARK = 0b101_000_00;

/** Until a chip answers after a reset, in milliseconds. */
const START_UP_MS = 2;
const POLL_MS = 2;
/** Long enough for a measurement that was given up before this one, behind which the chip begins it: BST-BME280-DS002, section 3.3.1. */
const POLLS_MAX = 60;

/** Names of the chips that share these addresses, by what they say they are. */
const FAMILY: ReadonlyMap<number, string> = new Map([
  [0x55, 'BMP180'],
  [0x58, 'BMP280'],
  [0x60, 'BME280'],
  [0x61, 'BME680'],
]);

/** What stands in the chip's identity register. */
export async function identify(device: I2cDevice, signal: AbortSignal): Promise<number> {
  return (await device.readRegister(ID, 1, signal)).readUInt8(0);
}

/**
 * A chip of Bosch's x280 family in forced mode: it sleeps until it is asked, measures once, and sleeps again. Between two
 * samples nothing in the chip is counted on but its trimming words.
 */
export class ForcedSensor<T> implements PolledSensor {
  readonly mode = 'polled';
  readonly #chip: ForcedChip<T>;
  readonly #device: I2cDevice;
  readonly #clock: SensorContext['clock'];
  readonly #oversampling: Oversampling;
  /** Undefined: the chip is not set up. */
  #trimming: T | undefined;

  constructor(chip: ForcedChip<T>, device: I2cDevice, { clock }: SensorContext, oversampling: Oversampling) {
    this.#chip = chip;
    this.#device = device;
    this.#clock = clock;
    this.#oversampling = oversampling;
  }

  /** Throws `SENSOR_UNKNOWN`, `READING_DAMAGED`, and what the bus throws. */
  async open(signal: AbortSignal): Promise<void> {
    this.#trimming = undefined;
    await this.#device.open(signal);
    this.#trimming = await this.#setUp(signal);
  }

  /** Throws `READING_DAMAGED`, `SENSOR_FAILED`, `SENSOR_UNKNOWN`, and what the bus throws. */
  async sample(signal: AbortSignal): Promise<Reading> {
    let trimming = this.#trimming ?? (await this.#setUp(signal));
    let data = await this.#measure(signal);
    if (data === undefined) {
      // It had no power for a while: its trimming words are read again, as it may have been exchanged.
      this.#trimming = undefined;
      trimming = await this.#setUp(signal);
      data = await this.#measure(signal);
    }
    if (data === undefined) {
      throw new MooringError('SENSOR_FAILED', 'the chip forgets its settings', {
        context: { chip: this.#chip.name },
        hint: 'It resets again and again: look at its supply of 3.3 V and at its wires.',
      });
    }
    this.#trimming = trimming;
    const reading = this.#chip.convert(data, trimming);
    if (reading === undefined) {
      throw new MooringError('READING_DAMAGED', 'the chip gave what it cannot have measured', {
        context: { chip: this.#chip.name, data: data.toString('hex') },
      });
    }
    return reading;
  }

  async close(): Promise<void> {
    this.#trimming = undefined;
    await this.#device.close();
  }

  async #setUp(signal: AbortSignal): Promise<T> {
    const { id, name } = this.#chip;
    const found = await identify(this.#device, signal);
    if (found !== id) throw unknown(name, found);
    // Whoever used it before may have left it in normal mode, in which it ignores what is written to `config`.
    await this.#device.write(Uint8Array.of(RESET, RESET_WORD), signal);
    await this.#clock.sleep(START_UP_MS, signal);
    await this.#until(UPDATING, 1, signal);
    await this.#device.write(Uint8Array.of(CONFIG, CONFIG_MARK), signal);
    return await this.#readTrimming(signal);
  }

  /** Twice, as nothing else would tell that they came damaged, and every value until the next opening hangs on them. */
  async #readTrimming(signal: AbortSignal): Promise<T> {
    const read = async (): Promise<T | undefined> =>
      await this.#chip.trimming((register, length) => this.#device.readRegister(register, length, signal));
    const [first, second] = [await read(), await read()];
    if (first !== undefined && isDeepStrictEqual(first, second)) return first;
    throw new MooringError('READING_DAMAGED', 'the trimming words of the chip are damaged', {
      context: { chip: this.#chip.name },
    });
  }

  /** What stands in the data registers after one measurement; undefined: the chip was reset since it was set up. */
  async #measure(signal: AbortSignal): Promise<Buffer | undefined> {
    const bits = OVERSAMPLING_BITS[this.#oversampling];
    const control = (bits << 5) | (bits << 2) | FORCED;
    await this.#device.write(Uint8Array.from([...this.#chip.settings(bits), CONTROL, control]), signal);
    await this.#clock.sleep(measuringMsMax(this.#chip.quantities, this.#oversampling), signal);
    const registers = await this.#until(MEASURING, DATA_OFFSET + this.#chip.dataBytes, signal);
    const isAsSetUp =
      registers[CONFIG - STATUS] === CONFIG_MARK && ((registers[CONTROL - STATUS] ?? 0) & 0xfc) === (control & 0xfc);
    return isAsSetUp ? registers.subarray(DATA_OFFSET) : undefined;
  }

  /** The registers from `status` on, read at once, when a bit of it is no longer set. */
  async #until(busyBit: number, length: number, signal: AbortSignal): Promise<Buffer> {
    for (let poll = 0; poll < POLLS_MAX; poll += 1) {
      const registers = await this.#device.readRegister(STATUS, length, signal);
      if ((registers.readUInt8(0) & busyBit) === 0) return registers;
      await this.#clock.sleep(POLL_MS, signal);
    }
    throw new MooringError('SENSOR_FAILED', 'the chip does not come to an end', { context: { chip: this.#chip.name } });
  }
}

/** The longest that a measurement takes, in milliseconds: BST-BME280-DS002, appendix 9.1. */
export function measuringMsMax(quantities: number, oversampling: Oversampling): number {
  return 1.25 + quantities * 2.3 * oversampling + (quantities - 1) * 0.575;
}

function unknown(name: string, found: number): MooringError {
  const other = FAMILY.get(found);
  return new MooringError('SENSOR_UNKNOWN', `the chip at this address is no ${name}`, {
    context: { id: `0x${found.toString(16).padStart(2, '0')}` },
    hint:
      other === undefined
        ? 'Look at `address`: another chip may stand there.'
        : `It says that it is a ${other}, which boards that are sold as ${name} often carry.`,
  });
}
