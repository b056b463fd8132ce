import { I2cNack } from './chip.ts';
import { type Action, SensirionChip, type SensirionOptions } from './sensirion.ts';
import { humidityAt } from './warmth.ts';

/** Beside the shared: `co2` in ppm, `temperature` in °C and `humidity` in % are the truths. */
export interface Scd4xOptions extends SensirionOptions {
  /** 0x0440 for an SCD40, 0x1440 for an SCD41; its upper four bits are the kind of chip. Undefined: it cannot tell. */
  readonly variant?: number | undefined;
  /** How much warmer than the air the chip is in its place, in °C; 4 as it assumes from new. */
  readonly excess?: number;
  /** The pressure of the air in hPa; left out: what the chip takes it for. */
  readonly pressureHpa?: number;
}

const PERIOD_MS = 5000;

/** Settings that are lost with the power, here without the memory that could keep them. */
interface Settings {
  offsetWord: number;
  altitude: number;
  /** hPa; 0: from the altitude. */
  pressureHpa: number;
  selfCalibration: number;
}

const FROM_NEW: Settings = { offsetWord: 0x05da, altitude: 0, pressureHpa: 0, selfCalibration: 1 };

/** SCD4x by its data sheet (Sensirion, SCD4x, version 1.3; the variant: 1.7): periodic measurements, and few commands while they go on. */
export class Scd4xChip extends SensirionChip {
  protected readonly startUpMs = 30;
  readonly #variant: number | undefined;
  readonly #excess: number;
  readonly #pressureHpa: number | undefined;
  #settings: Settings = { ...FROM_NEW };
  /** When periodic measurements began; undefined: it is idle. */
  #startedMs: number | undefined;
  /** Which of them was read last. */
  #readPeriod = 0;

  constructor(options: Scd4xOptions) {
    super(options, 0x62);
    this.#variant = 'variant' in options ? options.variant : 0x0440;
    this.#excess = options.excess ?? 4;
    this.#pressureHpa = options.pressureHpa;
  }

  get isMeasuring(): boolean {
    return this.#startedMs !== undefined;
  }

  get hasSelfCalibration(): boolean {
    return this.#settings.selfCalibration === 1;
  }

  protected powerOn(): void {
    this.#startedMs = undefined;
    this.#settings = { ...FROM_NEW };
  }

  protected run(bytes: Buffer): Action {
    if (bytes.length < 2) throw new I2cNack();
    const command = bytes.readUInt16BE(0);
    switch (command) {
      case 0x3f86:
        this.#startedMs = undefined;
        return { busyMs: 500 };
      case 0xe4b8:
        return { busyMs: 1, answer: () => [this.#isReady() ? 0x8006 : 0x8000] };
      case 0xec05:
        return this.#take();
      case 0xe000:
        [this.#settings.pressureHpa = 0] = this.argumentsOf(bytes, 1);
        return { busyMs: 1 };
      default:
        if (this.isMeasuring) throw new I2cNack();
        return this.#runIdle(command, bytes);
    }
  }

  #runIdle(command: number, bytes: Buffer): Action {
    switch (command) {
      case 0x21b1:
        this.#startedMs = this.clock.monotonicMs();
        this.#readPeriod = 0;
        return { busyMs: 0 };
      case 0x3682:
        return { busyMs: 1, answer: () => [0xf896, 0x9f07, 0x3bbe] };
      case 0x202f:
        return this.#tellVariant();
      case 0x241d:
        [this.#settings.offsetWord = 0] = this.argumentsOf(bytes, 1);
        return { busyMs: 1 };
      case 0x2427:
        [this.#settings.altitude = 0] = this.argumentsOf(bytes, 1);
        return { busyMs: 1 };
      case 0x2416:
        [this.#settings.selfCalibration = 0] = this.argumentsOf(bytes, 1);
        return { busyMs: 1 };
      default:
        throw new I2cNack();
    }
  }

  #tellVariant(): Action {
    const variant = this.#variant;
    if (variant === undefined) throw new I2cNack();
    return { busyMs: 1, answer: () => [variant] };
  }

  #period(): number {
    return this.#startedMs === undefined ? 0 : Math.floor((this.clock.monotonicMs() - this.#startedMs) / PERIOD_MS);
  }

  #isReady(): boolean {
    return this.#period() > this.#readPeriod;
  }

  /** A value is read once; where there is none the chip does not acknowledge the read. */
  #take(): Action {
    if (!this.#isReady()) return { busyMs: 1 };
    this.#readPeriod = this.#period();
    return { busyMs: 1, answer: () => this.#measure() };
  }

  #measure(): number[] {
    const air = this.true('temperature');
    const temperature = air + this.#excess - (175 * this.#settings.offsetWord) / 0xffff;
    const humidity = humidityAt(temperature, this.true('humidity'), air);
    const assumedHpa = this.#assumedHpa();
    const co2 = (this.true('co2') * (this.#pressureHpa ?? assumedHpa)) / assumedHpa;
    return [
      Math.min(0xffff, Math.max(0, Math.round(this.stuck.co2 ?? co2))),
      this.wordOf('temperature', temperature, -45, 175),
      this.wordOf('humidity', humidity, 0, 100),
    ];
  }

  /** The barometric formula of the standard atmosphere (ISO 2533) below 11 km. */
  #assumedHpa(): number {
    const { pressureHpa, altitude } = this.#settings;
    return pressureHpa !== 0 ? pressureHpa : 1013.25 * (1 - (0.0065 * altitude) / 288.15) ** 5.2559;
  }
}
