import { I2cNack } from './chip.ts';
import { type Action, SensirionChip, type SensirionOptions } from './sensirion.ts';
import { humidityAt, Warmth } from './warmth.ts';

/** Beside the shared: `temperature` in °C and `humidity` in % are the truths. */
export interface Sht4xOptions extends SensirionOptions {
  /** 32 bits. */
  readonly serial?: number;
}

/** Longest durations of measurements, in milliseconds, by command. */
const MEASUREMENTS: Readonly<Record<number, number>> = { 253: 8.3, 246: 4.5, 224: 1.6 };
/** Heater commands: how long they last at most, and how warm the chip would get in time, in K. */
const PULSES: Readonly<Record<number, readonly [durationMs: number, excess: number]>> = {
  57: [1100, 300],
  50: [110, 300],
  47: [1100, 165],
  36: [110, 165],
  30: [1100, 30],
  21: [110, 30],
};
const TIME_CONSTANT_MS = 5000;

/** SHT4x by its data sheet (Sensirion, SHT4x, version 6): commands of one byte, nothing that could be configured. */
export class Sht4xChip extends SensirionChip {
  protected readonly startUpMs = 1;
  readonly #serial: number;
  readonly #warmth: Warmth;

  constructor(options: Sht4xOptions) {
    super(options, 0x44);
    this.#serial = options.serial ?? 0x0f8a_2c41;
    this.#warmth = new Warmth(options.clock, TIME_CONSTANT_MS);
  }

  protected powerOn(): void {
    this.#warmth.tend(0);
  }

  protected run(bytes: Buffer): Action {
    const [command = 0] = bytes;
    if (bytes.length !== 1) throw new I2cNack();
    const measuringMs = MEASUREMENTS[command];
    if (measuringMs !== undefined) return { busyMs: measuringMs, answer: () => this.#measure() };
    const pulse = PULSES[command];
    if (pulse !== undefined) return this.#heat(...pulse);
    if (command === 0x89) return { busyMs: 1, answer: () => [this.#serial >>> 16, this.#serial & 0xffff] };
    if (command !== 0x94) throw new I2cNack();
    this.powerOn();
    return { busyMs: 1 };
  }

  /** Measures at its end, while it is hot. */
  #heat(durationMs: number, excess: number): Action {
    this.#warmth.tend(excess, durationMs);
    return { busyMs: durationMs, answer: () => this.#measure() };
  }

  #measure(): number[] {
    const air = this.true('temperature');
    const temperature = air + this.#warmth.excess;
    const humidity = humidityAt(temperature, this.true('humidity'), air);
    return [this.wordOf('temperature', temperature, -45, 175), this.wordOf('humidity', humidity, -6, 125)];
  }
}
