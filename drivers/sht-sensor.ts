import { duration } from '../runtime/config/values.ts';
import type { I2cDevice, PolledSensor, Reading, SensorContext } from './driver.ts';
import { type Command, SensirionDevice } from './sensirion-words.ts';

/** What is different about each family of Sensirion's humidity chips. */
export interface ShtChip {
  readonly name: string;
  /** Sent in order at opening: they end what the chip was at, and put it as it is after power-on. */
  readonly reset: readonly Command[];
  readonly identity: Command;
  /** Two words: temperature, humidity. */
  readonly measure: Command;
  /** % from the second word. */
  humidity(word: number): number;
  readonly heater: {
    readonly on: Command;
    /** Left out: it goes off by itself. */
    readonly off?: Command;
    /** How long it warms at least, in milliseconds. */
    readonly pulseMs: number;
    /** Whether what `identity` answers says that it is on. */
    isOn?(identity: readonly number[]): boolean;
  };
}

/** Temperatures that the chips are made for, in °C: their data sheets, section 1 (both). */
export const TEMPERATURE_RANGE = [-40, 125] as const;
export const HUMIDITY_RANGE = [0, 100] as const;

/** Until the chip has the temperature of the air again, in milliseconds. */
const COOLING_MS = 60_000;

const MISSING: Reading = { metrics: {}, missing: ['temperature', 'humidity'] };

/** The key of both families. */
export function heaterOption() {
  return duration({ min: '10m', max: '7d' })
    .optional()
    .describe(
      'Warms the chip about 1 s so often, against dew; its values are missing for a minute then. Left out: never',
    );
}

/**
 * A humidity chip of Sensirion's, asked for one measurement at a time: it keeps no settings, so that nothing is lost with
 * its power.
 */
export class ShtSensor implements PolledSensor {
  readonly mode = 'polled';
  readonly #chip: ShtChip;
  readonly #device: I2cDevice;
  readonly #words: SensirionDevice;
  readonly #clock: SensorContext['clock'];
  readonly #heaterMs: number;
  /** On the monotonic clock, as all that follow. */
  #nextPulseMs = Infinity;
  /** Undefined: the heater is off. */
  #pulseEndMs: number | undefined;
  #coolMs = 0;

  constructor(chip: ShtChip, device: I2cDevice, { clock }: SensorContext, heaterMs: number | undefined) {
    this.#chip = chip;
    this.#device = device;
    this.#clock = clock;
    this.#words = new SensirionDevice(device, clock);
    this.#heaterMs = heaterMs ?? Infinity;
  }

  /** Throws `SENSOR_UNKNOWN`, and what the bus throws. */
  async open(signal: AbortSignal): Promise<void> {
    const { name, reset, identity, heater } = this.#chip;
    await this.#device.open(signal);
    const words = await this.#words.identify(identity, name, signal);
    for (const command of reset) await this.#words.tell(command, signal);
    // Whoever used it before may have left it warm.
    if (this.#pulseEndMs !== undefined || heater.isOn?.(words) === true) this.#cool();
    this.#nextPulseMs = this.#clock.monotonicMs() + this.#heaterMs;
  }

  /** Throws `READING_DAMAGED`, and what the bus throws. */
  async sample(signal: AbortSignal): Promise<Reading> {
    if (await this.#isHeating(signal)) return MISSING;
    const [temperatureWord = 0, humidityWord = 0] = await this.#words.ask(this.#chip.measure, signal);
    if (this.#clock.monotonicMs() < this.#coolMs) return MISSING;
    const temperature = temperatureOf(temperatureWord);
    const [lowest, highest] = TEMPERATURE_RANGE;
    // The chip makes up for the temperature in its humidity: if the one is impossible, so is the other.
    if (temperature < lowest || temperature > highest) return MISSING;
    const humidity = Math.min(100, Math.max(0, this.#chip.humidity(humidityWord)));
    return { metrics: { temperature, humidity } };
  }

  /** A heater that would stay on is switched off. */
  async close(): Promise<void> {
    const { off } = this.#chip.heater;
    try {
      if (this.#pulseEndMs !== undefined && off !== undefined) {
        await this.#words.begin(off, new AbortController().signal);
      }
    } finally {
      await this.#device.close();
    }
  }

  /** Begins and ends the heater's pulses; whether one lasts. */
  async #isHeating(signal: AbortSignal): Promise<boolean> {
    const { on, off, pulseMs } = this.#chip.heater;
    const nowMs = this.#clock.monotonicMs();
    if (this.#pulseEndMs !== undefined) {
      if (nowMs < this.#pulseEndMs) return true;
      if (off !== undefined) await this.#words.tell(off, signal);
      this.#cool();
      return false;
    }
    if (nowMs < this.#nextPulseMs) return false;
    this.#nextPulseMs = nowMs + this.#heaterMs;
    this.#pulseEndMs = nowMs + pulseMs;
    await this.#words.begin(on, signal);
    return true;
  }

  #cool(): void {
    this.#pulseEndMs = undefined;
    this.#coolMs = this.#clock.monotonicMs() + COOLING_MS;
  }
}

/** °C from a word, in both families: SHT4x section 4.6, SHT3x-DIS section 4.13. */
export function temperatureOf(word: number): number {
  return -45 + (175 * word) / 0xffff;
}
