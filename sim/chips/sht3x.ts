import { I2cNack } from './chip.ts';
import { type Action, SensirionChip, type SensirionOptions } from './sensirion.ts';
import { humidityAt, Warmth } from './warmth.ts';

/** Beside the shared: `temperature` in °C and `humidity` in % are the truths. */
export type Sht3xOptions = SensirionOptions;

/** Single shots without clock stretching: the longest duration in milliseconds, by command. */
const MEASUREMENTS: Readonly<Record<number, number>> = { 9216: 15.5, 9227: 6.5, 9238: 4.5 };
const HEATER_BIT = 1 << 13;
/** Alert pending, and reset detected. */
const STATUS_AFTER_RESET = 0x8010;
const HEATER_EXCESS = 4;
const TIME_CONSTANT_MS = 5000;

/** SHT3x-DIS by its data sheet (Sensirion, SHT3x-DIS, version 5): single shots, status, heater. */
export class Sht3xChip extends SensirionChip {
  protected readonly startUpMs = 1;
  #status = STATUS_AFTER_RESET;
  readonly #warmth: Warmth;

  constructor(options: Sht3xOptions) {
    super(options, 0x44);
    this.#warmth = new Warmth(options.clock, TIME_CONSTANT_MS);
  }

  get isHeating(): boolean {
    return (this.#status & HEATER_BIT) !== 0;
  }

  protected powerOn(): void {
    this.#status = STATUS_AFTER_RESET;
    this.#warmth.tend(0);
  }

  protected run(bytes: Buffer): Action {
    // Half a command is acknowledged, and means nothing.
    if (bytes.length === 1) return { busyMs: 0 };
    const command = bytes.readUInt16BE(0);
    this.argumentsOf(bytes, 0);
    const measuringMs = MEASUREMENTS[command];
    if (measuringMs !== undefined) return { busyMs: measuringMs, answer: () => this.#measure() };
    switch (command) {
      case 0xf32d:
        return { busyMs: 1, answer: () => [this.#status] };
      case 0x3041:
        this.#status &= HEATER_BIT;
        return { busyMs: 1 };
      case 0x306d:
        return this.#heat(true);
      case 0x3066:
        return this.#heat(false);
      case 0x30a2:
        this.powerOn();
        return { busyMs: 1.5 };
      // It also ends periodic measurements, of which this model has none.
      case 0x3093:
        return { busyMs: 1 };
      default:
        throw new I2cNack();
    }
  }

  #heat(isOn: boolean): Action {
    this.#status = isOn ? this.#status | HEATER_BIT : this.#status & ~HEATER_BIT;
    this.#warmth.tend(isOn ? HEATER_EXCESS : 0);
    return { busyMs: 1 };
  }

  #measure(): number[] {
    const air = this.true('temperature');
    const temperature = air + this.#warmth.excess;
    const humidity = humidityAt(temperature, this.true('humidity'), air);
    return [this.wordOf('temperature', temperature, -45, 175), this.wordOf('humidity', humidity, 0, 100)];
  }
}
