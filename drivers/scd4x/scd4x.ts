import { z } from 'zod';
import { MooringError } from '../../runtime/errors.ts';
import type { Driver, I2cDevice, PolledSensor, Reading, SensorContext } from '../driver.ts';
import { chipPlace, i2cOptions, settingsOf } from '../i2c-options.ts';
import { answersTo, type Command, isNoAnswer, SensirionDevice, unknownChip } from '../sensirion-words.ts';
import { valuesInRange } from '../values-in-range.ts';

const ADDRESSES = [0x62] as const;

const optionsSchema = z.strictObject({
  ...i2cOptions(ADDRESSES, 0x62),
  ambient_pressure: z
    .number()
    .min(700)
    .max(1200)
    .optional()
    .describe('Pressure of the air on site in hPa, to make up for it; counts more than `altitude`'),
  altitude: z.int().min(0).max(3000).optional().describe('Height of the site above the sea in m, to make up for it'),
  temperature_offset: z
    .number()
    .min(0)
    .max(20)
    .optional()
    .describe('How much warmer than the air the chip is in its place, in °C; left out: what it has kept, 4 from new'),
  self_calibration: z
    .boolean()
    .optional()
    .describe('Whether the lowest of a week counts as 400 ppm; left out: what the chip has kept, true from new'),
});
type Options = z.output<typeof optionsSchema>;

/** Commands with the times of table 9 of the data sheet. */
const STOP: Command = { code: [0x3f, 0x86], busyMs: 500 };
const START: Command = { code: [0x21, 0xb1], busyMs: 0 };
const SERIAL: Command = { code: [0x36, 0x82], busyMs: 1, words: 3 };
const VARIANT: Command = { code: [0x20, 0x2f], busyMs: 1, words: 1 };
const IS_READY: Command = { code: [0xe4, 0xb8], busyMs: 1, words: 1 };
const READ: Command = { code: [0xec, 0x05], busyMs: 1, words: 3 };
const SET_OFFSET: Command = { code: [0x24, 0x1d], busyMs: 1 };
const SET_ALTITUDE: Command = { code: [0x24, 0x27], busyMs: 1 };
const SET_PRESSURE: Command = { code: [0xe0, 0x00], busyMs: 1 };
const SET_SELF_CALIBRATION: Command = { code: [0x24, 0x16], busyMs: 1 };

/** The upper four bits of the variant: SCD40, SCD41, SCD43. */
const VARIANTS: readonly number[] = [0, 1, 5];
/** There is a new value where any of these bits is set. */
const READY_BITS = 0x07ff;

/** How often there is a new value, in milliseconds. */
const PERIOD_MS = 5000;
const SILENT_PERIODS_MAX = 3;

/** 0 is what the chip gives for a measurement that failed. */
const CO2_RANGE = [1, 40_000] as const;
const TEMPERATURE_RANGE = [-10, 60] as const;
const HUMIDITY_RANGE = [0, 100] as const;

/** Sensirion SCD40, SCD41, SCD43: carbon dioxide. Source: data sheet SCD4x, version 1.3; the variant: version 1.7. */
export const scd4x: Driver<Options> = {
  name: 'scd4x',
  summary: 'Sensirion SCD40, SCD41, SCD43 on I²C: carbon dioxide, temperature and humidity of the air',
  options: optionsSchema,
  // Those of the SCD40, the least accurate, which are ± (50 ppm + 5 %) together: tables 1 to 3.
  metrics: () => [
    { name: 'co2', range: CO2_RANGE, resolution: 1, accuracy: { absolute: 50, relative: 0.05 } },
    { name: 'temperature', range: TEMPERATURE_RANGE, resolution: 0.01, accuracy: { absolute: 0.8 } },
    { name: 'humidity', range: HUMIDITY_RANGE, resolution: 0.01, accuracy: { absolute: 6 } },
  ],
  places: (options) => [chipPlace(options)],
  i2c: {
    addresses: ADDRESSES,
    // Of those that a chip answers while it measures, which others may want to go on.
    isThere: async (device, signal) => await answersTo(IS_READY, device, signal),
  },
  create: (options, context) => new Scd4xSensor(options, context),
};

/** Measures by itself every five seconds; a sample takes what is new. */
class Scd4xSensor implements PolledSensor {
  readonly mode = 'polled';
  readonly #options: Options;
  readonly #device: I2cDevice;
  readonly #words: SensirionDevice;
  readonly #clock: SensorContext['clock'];
  /** When there was a value last, or measuring began. */
  #heardMs = 0;

  constructor(options: Options, { ports, clock }: SensorContext) {
    this.#options = options;
    this.#device = ports.i2c(settingsOf(options));
    this.#clock = clock;
    this.#words = new SensirionDevice(this.#device, clock);
  }

  /** Throws `SENSOR_UNKNOWN`, and what the bus throws. */
  async open(signal: AbortSignal): Promise<void> {
    await this.#device.open(signal);
    // It may be measuring since somebody else began it, and answers nothing else then.
    await this.#words.tell(STOP, signal);
    await this.#words.identify(SERIAL, 'SCD4x', signal);
    await this.#checkVariant(signal);
    await this.#configure(signal);
    await this.#words.tell(START, signal);
    this.#heardMs = this.#clock.monotonicMs();
  }

  /** No metrics where no value has come since the last sample. Throws `READING_DAMAGED`, `SENSOR_FAILED`, and what the bus throws. */
  async sample(signal: AbortSignal): Promise<Reading> {
    const [status = 0] = await this.#words.ask(IS_READY, signal);
    if ((status & READY_BITS) === 0) {
      this.#expectSoon();
      return { metrics: {} };
    }
    const [co2 = 0, temperatureWord = 0, humidityWord = 0] = await this.#words.ask(READ, signal);
    this.#heardMs = this.#clock.monotonicMs();
    return valuesInRange({
      co2: [co2, CO2_RANGE],
      temperature: [-45 + (175 * temperatureWord) / 0xffff, TEMPERATURE_RANGE],
      humidity: [(100 * humidityWord) / 0xffff, HUMIDITY_RANGE],
    });
  }

  /** The chip goes on measuring: it would take half a second to stop, and the next opening stops it. */
  async close(): Promise<void> {
    await this.#device.close();
  }

  /** A chip of the first years does not know the question, and is an SCD40 or SCD41. */
  async #checkVariant(signal: AbortSignal): Promise<void> {
    const variant = await this.#words.ask(VARIANT, signal).then(
      ([word = 0]) => word,
      (error: unknown) => {
        if (isNoAnswer(error)) return undefined;
        throw error;
      },
    );
    if (variant === undefined || VARIANTS.includes(variant >> 12)) return;
    throw unknownChip('SCD4x', { variant: `0x${variant.toString(16).padStart(4, '0')}` });
  }

  /** Into memory that is lost with the power: what is kept for ever can be written 2,000 times only. */
  async #configure(signal: AbortSignal): Promise<void> {
    const { temperature_offset: offset, altitude, ambient_pressure: pressure, self_calibration: isOn } = this.#options;
    if (offset !== undefined) await this.#words.tell(SET_OFFSET, signal, Math.round((offset * 0xffff) / 175));
    if (altitude !== undefined) await this.#words.tell(SET_ALTITUDE, signal, altitude);
    if (pressure !== undefined) await this.#words.tell(SET_PRESSURE, signal, Math.round(pressure));
    if (isOn !== undefined) await this.#words.tell(SET_SELF_CALIBRATION, signal, isOn ? 1 : 0);
  }

  /** One that had no power waits for its settings and a start, and never has a value. */
  #expectSoon(): void {
    const silentMs = this.#clock.monotonicMs() - this.#heardMs;
    if (silentMs <= SILENT_PERIODS_MAX * PERIOD_MS) return;
    throw new MooringError('SENSOR_FAILED', 'the chip has stopped measuring', {
      context: { silentMs: Math.round(silentMs) },
      hint: 'It had no power for a moment, or another program stopped it: its supply has to give 205 mA at times.',
    });
  }
}
