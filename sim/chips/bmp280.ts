import assert from 'node:assert/strict';
import type { Clock } from '../../runtime/clock.ts';
import { type I2cChip, I2cNack, type Truth } from './chip.ts';

/** Words that a chip is trimmed with at the factory, as the data sheet names them without `dig_`. */
export type Bmp280Trimming = Readonly<
  Record<'T1' | 'T2' | 'T3' | 'P1' | 'P2' | 'P3' | 'P4' | 'P5' | 'P6' | 'P7' | 'P8' | 'P9', number>
>;

/** Those of the data sheet's worked example: BST-BMP280-DS001, section 3.12. */
export const EXAMPLE_TRIMMING: Bmp280Trimming = {
  T1: 27_504,
  T2: 26_435,
  T3: -1000,
  P1: 36_477,
  P2: -10_685,
  P3: 3024,
  P4: 2855,
  P5: 140,
  P6: -7,
  P7: 15_500,
  P8: -14_600,
  P9: 6000,
};

export interface Bmp280Options {
  readonly clock: Clock;
  /** `temperature` in °C, `pressure` in hPa. */
  readonly truth: Truth;
  readonly address?: number;
  readonly trimming?: Bmp280Trimming;
}

/** Until the chip answers after it got power, in milliseconds. */
const START_UP_MS = 2;
const RESET_WORD = 0xb6;

/**
 * BMP280 by its data sheet, BST-BMP280-DS001: register map, power modes, measuring time, resolution by oversampling. What
 * the converters give is found from the true pressure and temperature by solving the compensation formulas for it.
 */
export class Bmp280Chip implements I2cChip {
  readonly address: number;
  protected readonly options: Bmp280Options;
  protected readonly registers = Buffer.alloc(0x100);
  /** What the chip says that it is, from the next power-on. */
  id = 0x58;
  /** Added to the truth: an element that has aged, in the units of the truth. */
  readonly drift: Record<string, number> = {};
  /** What converters give whatever the truth is: an element that is broken. */
  readonly stuck: Record<string, number> = {};
  /** How many times longer than typically a measurement takes. */
  slowness = 1;
  #pointer = 0;
  /** When it got power; undefined: nobody has looked at it yet, and it has had power for long. */
  #startedMs: number | undefined;
  #measuring: { readonly untilMs: number; readonly isRepeated: boolean } | undefined;
  /** What was written to `ctrl_meas` during a measurement, which is not obeyed before its end. */
  #control: number | undefined;

  constructor(options: Bmp280Options) {
    this.options = options;
    this.address = options.address ?? 0x76;
  }

  /** Power goes and comes back: the registers are as at first, the trimming words stay. */
  powerCycle(): void {
    this.powerOn();
    this.#startedMs = this.options.clock.monotonicMs();
  }

  write(bytes: Uint8Array): void {
    this.#advance();
    if (this.#isStarting()) throw new I2cNack();
    if (bytes.length === 0) return;
    this.#pointer = bytes[0] as number;
    for (let at = 0; at + 1 < bytes.length; at += 2) this.#set(bytes[at] as number, bytes[at + 1] as number);
  }

  read(length: number): Uint8Array {
    this.#advance();
    if (this.#isStarting()) throw new I2cNack();
    const answer = Uint8Array.from({ length }, (_, offset) => this.registers[(this.#pointer + offset) & 0xff] ?? 0);
    this.#pointer = (this.#pointer + length) & 0xff;
    return answer;
  }

  /** The registers after power-on. */
  protected powerOn(): void {
    this.#measuring = undefined;
    this.#control = undefined;
    this.registers.fill(0);
    this.registers[0xd0] = this.id;
    this.burn();
    this.registers.set([0x80, 0, 0, 0x80, 0, 0], 0xf7);
  }

  /** Writes the trimming words to their registers. */
  protected burn(): void {
    const { T1, T2, T3, P1, P2, P3, P4, P5, P6, P7, P8, P9 } = this.options.trimming ?? EXAMPLE_TRIMMING;
    this.registers.writeUInt16LE(T1, 0x88);
    this.registers.writeUInt16LE(P1, 0x8e);
    for (const [index, word] of [T2, T3].entries()) this.registers.writeInt16LE(word, 0x8a + 2 * index);
    for (const [index, word] of [P2, P3, P4, P5, P6, P7, P8, P9].entries()) {
      this.registers.writeInt16LE(word, 0x90 + 2 * index);
    }
  }

  /** Registers that can be written beside `reset`, `ctrl_meas` and `config`. */
  protected isWritable(_register: number): boolean {
    return false;
  }

  /** How long a measurement takes, typically, in milliseconds. */
  protected measuringMs(): number {
    const [temperature, pressure] = this.#oversamplings();
    return 1 + 2 * temperature + (pressure === 0 ? 0 : 2 * pressure + 0.5);
  }

  /** Puts what is true now into the data registers. */
  protected measure(): void {
    const [temperature, pressure] = this.#oversamplings();
    const fine = 5120 * this.true('temperature');
    this.#put(0xfa, temperature, this.stuck.temperature ?? this.#rawTemperature(fine));
    this.#put(0xf7, pressure, this.stuck.pressure ?? this.#rawPressure(100 * this.true('pressure'), fine));
  }

  protected true(quantity: string): number {
    return this.options.truth(quantity) + (this.drift[quantity] ?? 0);
  }

  /** How often a quantity is converted for one value, from its three bits; 0: it is skipped. */
  protected oversamplingOf(bits: number): number {
    return bits === 0 ? 0 : 2 ** (Math.min(bits, 5) - 1);
  }

  #oversamplings(): [temperature: number, pressure: number] {
    const control = this.registers[0xf4] as number;
    return [this.oversamplingOf(control >> 5), this.oversamplingOf((control >> 2) & 7)];
  }

  #isStarting(): boolean {
    return this.options.clock.monotonicMs() - (this.#startedMs ?? 0) < START_UP_MS;
  }

  #set(register: number, value: number): void {
    if (register === 0xe0 && value === RESET_WORD) this.powerCycle();
    else if (register === 0xf5 && ((this.registers[0xf4] as number) & 3) === 3) return;
    else if (register === 0xf5 || this.isWritable(register)) this.registers[register] = value;
    else if (register === 0xf4 && this.#measuring !== undefined) this.#control ??= value;
    else if (register === 0xf4) this.#obey(value, this.options.clock.monotonicMs());
  }

  #obey(control: number, nowMs: number): void {
    this.registers[0xf4] = control;
    const mode = control & 3;
    if (mode !== 0) this.#begin(mode === 3, nowMs);
  }

  #begin(isRepeated: boolean, nowMs: number): void {
    this.#measuring = { untilMs: nowMs + this.slowness * this.measuringMs(), isRepeated };
    this.registers[0xf3] = 0x08;
  }

  #advance(): void {
    if (this.#startedMs === undefined) {
      this.powerOn();
      this.#startedMs = -START_UP_MS;
    }
    const nowMs = this.options.clock.monotonicMs();
    while (this.#measuring !== undefined && nowMs >= this.#measuring.untilMs) this.#end(this.#measuring);
  }

  #end({ untilMs, isRepeated }: { readonly untilMs: number; readonly isRepeated: boolean }): void {
    this.measure();
    this.registers[0xf3] = 0;
    this.#measuring = undefined;
    const control = this.#control;
    this.#control = undefined;
    if (control !== undefined) this.#obey(control, untilMs);
    else if (isRepeated) this.#begin(true, this.options.clock.monotonicMs());
    else this.registers[0xf4] = (this.registers[0xf4] as number) & 0xfc;
  }

  /** Twenty bits, of which oversampling decides how many mean something: 16 and one more for each doubling. */
  #put(register: number, oversampling: number, raw: number): void {
    const step = oversampling === 0 ? 1 : 16 / oversampling;
    const value = oversampling === 0 ? 0x8_0000 : Math.min(0xf_ffff, Math.max(0, Math.round(raw / step) * step));
    this.registers.writeUIntBE(value << 4, register, 3);
  }

  /** The root of the quadratic equation that ties it to the fine temperature. */
  #rawTemperature(fine: number): number {
    const { T1, T2, T3 } = this.options.trimming ?? EXAMPLE_TRIMMING;
    // fine = T2·u + T3·u²/64, where u counts from T1.
    return 16_384 * (root(T3 / 64, T2, -fine) + T1 / 1024);
  }

  #rawPressure(pascals: number, fine: number): number {
    const { P1, P2, P3, P4, P5, P6, P7, P8, P9 } = this.options.trimming ?? EXAMPLE_TRIMMING;
    const v = fine / 2 - 64_000;
    const sensitivity = P1 * (1 + (P2 * v) / 2 ** 34 + (P3 * v * v) / 2 ** 53);
    const zero = (P4 * 2 ** 16 + (P5 * v) / 2 + (P6 * v * v) / 2 ** 17) / 2 ** 12;
    const linear = root(P9 / 2 ** 35, 1 + P8 / 2 ** 19, P7 / 16 - pascals);
    return 2 ** 20 - zero - (linear * sensitivity) / 6250;
  }
}

/** The root of a·x² + b·x + c that goes over into −c/b where a is small. */
export function root(a: number, b: number, c: number): number {
  const x = (-2 * c) / (b + Math.sign(b) * Math.sqrt(b * b - 4 * a * c));
  assert(Number.isFinite(x), 'the trimming words can express the truth');
  return x;
}
