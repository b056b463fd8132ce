import type { Clock } from '../../runtime/clock.ts';
import type { I2cChip, Truth } from './chip.ts';

export interface Ina219Options {
  readonly clock: Clock;
  /** `battery_voltage` in V, at Vin−; `battery_current` in A, from Vin+ to Vin−. */
  readonly truth: Truth;
  readonly address?: number;
  /** The resistor that the current flows through. */
  readonly shuntOhms?: number;
}

const CONFIG_AT_FIRST = 0x399f;
/** One conversion of 12 bits, in milliseconds, typically; of 9, 10 and 11 bits. */
const CONVERSION_MS = 0.532;
const SHORT_CONVERSION_MS = [0.084, 0.148, 0.276] as const;
const READY = 2;
const OVERFLOW = 1;

/** INA219 by its data sheet, SBOS448: registers, modes, conversion times, the arithmetic of current and power. */
export class Ina219Chip implements I2cChip {
  readonly address: number;
  readonly #options: Ina219Options;
  readonly #shuntOhms: number;
  /** Added to the truth: a shunt or a reference that has aged. */
  readonly drift = { battery_voltage: 0, battery_current: 0 };
  /** What stands in the six registers. */
  readonly #words = new Uint16Array(6);
  #pointer = 0;
  #doneMs: number | undefined;

  constructor(options: Ina219Options) {
    this.#options = options;
    this.address = options.address ?? 0x40;
    this.#shuntOhms = options.shuntOhms ?? 0.1;
    this.powerCycle();
  }

  /** The registers as after power-on, in which the chip measures again and again. */
  powerCycle(): void {
    this.#words.fill(0);
    this.#pointer = 0;
    this.#configure(CONFIG_AT_FIRST);
  }

  write(bytes: Uint8Array): void {
    this.#advance();
    const [register, high, low] = bytes;
    if (register === undefined) return;
    this.#pointer = register;
    if (high === undefined || low === undefined) return;
    const word = (high << 8) | low;
    if (register === 0 && (word & 0x8000) !== 0) this.powerCycle();
    else if (register === 0) this.#configure(word);
    // Bit 0 cannot be set.
    else if (register === 5) this.#words[5] = word & 0xfffe;
  }

  read(length: number): Uint8Array {
    this.#advance();
    const word = this.#words[this.#pointer] ?? 0;
    if (this.#pointer === 3) this.#words[2] = this.#word(2) & ~READY;
    return Uint8Array.from({ length }, (_, at) => (at % 2 === 0 ? word >> 8 : word & 0xff));
  }

  #configure(word: number): void {
    this.#words[0] = word & 0x3fff;
    this.#words[2] = this.#word(2) & ~READY;
    this.#begin();
  }

  #begin(): void {
    const config = this.#word(0);
    const [measuresShunt, measuresBus] = [(config & 1) !== 0, (config & 2) !== 0];
    const takesMs =
      (measuresShunt ? conversionMs((config >> 3) & 15) : 0) + (measuresBus ? conversionMs((config >> 7) & 15) : 0);
    this.#doneMs = takesMs === 0 ? undefined : this.#options.clock.monotonicMs() + takesMs;
  }

  #advance(): void {
    if (this.#doneMs === undefined || this.#options.clock.monotonicMs() < this.#doneMs) return;
    this.#measure();
    const isContinuous = (this.#word(0) & 4) !== 0;
    if (isContinuous) this.#begin();
    else this.#doneMs = undefined;
  }

  #measure(): void {
    const config = this.#word(0);
    const { truth } = this.#options;
    if ((config & 1) !== 0) {
      const volts = (truth('battery_current') + this.drift.battery_current) * this.#shuntOhms;
      const fullScaleV = 0.04 * 2 ** ((config >> 11) & 3);
      this.#words[1] = Math.round(Math.max(-fullScaleV, Math.min(fullScaleV, volts)) / 1e-5);
    }
    let steps = this.#word(2) >> 3;
    if ((config & 2) !== 0) {
      const fullScaleV = (config & 0x2000) === 0 ? 16 : 32;
      const volts = truth('battery_voltage') + this.drift.battery_voltage;
      steps = Math.round(Math.max(0, Math.min(fullScaleV, volts)) / 0.004);
    }
    // Equations 4 and 5.
    const current = Math.trunc((signed(this.#word(1)) * this.#word(5)) / 4096);
    const power = Math.trunc((Math.abs(current) * steps) / 5000);
    const isOverflow = Math.abs(current) > 0x7fff || power > 0xffff;
    this.#words[4] = current;
    this.#words[3] = power;
    this.#words[2] = (steps << 3) | READY | (isOverflow ? OVERFLOW : 0);
  }

  #word(register: number): number {
    return this.#words[register] ?? 0;
  }
}

function conversionMs(bits: number): number {
  const isAverage = (bits & 8) !== 0;
  return isAverage ? CONVERSION_MS * 2 ** (bits & 7) : (SHORT_CONVERSION_MS[bits & 3] ?? CONVERSION_MS);
}

function signed(word: number): number {
  return word >= 0x8000 ? word - 0x1_0000 : word;
}
