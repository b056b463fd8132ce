import type { Clock } from '../../runtime/clock.ts';
import type { I2cChip, Truth } from './chip.ts';

export interface Ads1115Options {
  readonly clock: Clock;
  /** `input_0` to `input_3`: volts against ground. */
  readonly truth: Truth;
  readonly address?: number;
  /** Supply, in volts: inputs above it are as high as it. Default 5. */
  readonly supplyV?: number;
}

const CONFIG_AT_FIRST = 0x8583;
const RATES_HZ = [8, 16, 32, 64, 128, 250, 475, 860] as const;
const FULL_SCALES_V = [6.144, 4.096, 2.048, 1.024, 0.512, 0.256, 0.256, 0.256] as const;
/** Inputs by the three bits of the multiplexer; the second is ground where it is left out. */
const INPUTS: readonly (readonly [positive: number, negative?: number])[] = [
  [0, 1],
  [0, 3],
  [1, 3],
  [2, 3],
  [0],
  [1],
  [2],
  [3],
];
const WAKE_UP_MS = 0.025;

/** ADS1115 by its data sheet, SBAS444: four registers, single-shot and continuous conversion, output codes of table 3. */
export class Ads1115Chip implements I2cChip {
  readonly address: number;
  readonly #options: Ads1115Options;
  /** Added to what the converter sees, in volts. */
  driftV = 0;
  /** What the converter gives whatever its input is. */
  stuck: number | undefined;
  readonly #words = new Uint16Array(4);
  #pointer = 0;
  /** The conversion under way: it goes on as it was configured when it began, whatever is written meanwhile. */
  #converting: { readonly config: number; readonly untilMs: number } | undefined;

  constructor(options: Ads1115Options) {
    this.#options = options;
    this.address = options.address ?? 0x48;
    this.powerCycle();
  }

  /** The registers as after power-on, in which the chip sleeps. */
  powerCycle(): void {
    this.#words.set([0, CONFIG_AT_FIRST & 0x7fff, 0x8000, 0x7fff]);
    this.#pointer = 0;
    this.#converting = undefined;
  }

  write(bytes: Uint8Array): void {
    this.#advance();
    const [register, high, low] = bytes;
    if (register === undefined) return;
    this.#pointer = register & 3;
    if (high === undefined || low === undefined || this.#pointer === 0) return;
    const word = (high << 8) | low;
    this.#words[this.#pointer] = this.#pointer === 1 ? word & 0x7fff : word;
    if (this.#pointer !== 1) return;
    const isSingleShot = (word & 0x0100) !== 0;
    // To begin one while another is under way has no effect.
    if (this.#converting === undefined && (!isSingleShot || (word & 0x8000) !== 0)) this.#begin(WAKE_UP_MS);
  }

  read(length: number): Uint8Array {
    this.#advance();
    const isIdle = this.#converting === undefined;
    const word = this.#word(this.#pointer) | (this.#pointer === 1 && isIdle ? 0x8000 : 0);
    return Uint8Array.from({ length }, (_, at) => (at % 2 === 0 ? word >> 8 : word & 0xff));
  }

  #begin(wakeUpMs: number): void {
    const config = this.#word(1);
    const rateHz = RATES_HZ[(config >> 5) & 7] ?? 128;
    this.#converting = { config, untilMs: this.#options.clock.monotonicMs() + 1000 / rateHz + wakeUpMs };
  }

  #advance(): void {
    const converting = this.#converting;
    if (converting === undefined || this.#options.clock.monotonicMs() < converting.untilMs) return;
    this.#words[0] = this.stuck ?? this.#convert(converting.config);
    this.#converting = undefined;
    const isContinuous = (this.#word(1) & 0x0100) === 0;
    if (isContinuous) this.#begin(0);
  }

  #convert(config: number): number {
    const [positive, negative] = INPUTS[(config >> 12) & 7] ?? [0];
    const volts = this.#inputV(positive) - (negative === undefined ? 0 : this.#inputV(negative)) + this.driftV;
    const step = (FULL_SCALES_V[(config >> 9) & 7] ?? 2.048) / 0x8000;
    return Math.max(-0x8000, Math.min(0x7fff, Math.round(volts / step)));
  }

  /** Diodes hold an input between ground and supply, with 0.3 V to spare. */
  #inputV(input: number): number {
    const { truth, supplyV = 5 } = this.#options;
    return Math.max(-0.3, Math.min(supplyV + 0.3, truth(`input_${input}`)));
  }

  #word(register: number): number {
    return this.#words[register] ?? 0;
  }
}
