import { z } from 'zod';
import { MooringError } from '../../runtime/errors.ts';
import type { Driver, I2cDevice, PushedSensor, Reading, SensorContext } from '../driver.ts';
import { chipPlace, i2cOptions, settingsOf } from '../i2c-options.ts';
import { answersTo, type Command, SensirionDevice, unknownChip } from '../sensirion-words.ts';
import { airQualityOf, INDEX_PER_PPB_MAX } from './air-quality.ts';
import { type Baseline, BaselineKeeper } from './baseline.ts';

const ADDRESSES = [0x58] as const;

/** Steps of absolute humidity in g/m³: section 6.3, "Humidity Compensation". */
const HUMIDITY_STEPS = 256;

const optionsSchema = z.strictObject({
  ...i2cOptions(ADDRESSES, 0x58),
  absolute_humidity: z
    .number()
    .min(0.01)
    .max(255)
    .optional()
    .describe('Water in the air in g/m³, to make up for it; left out: the chip takes 11.57, which is 50 % at 25 °C'),
});
type Options = z.output<typeof optionsSchema>;

/** Commands with the longest times of table 10 of the data sheet. */
const SERIAL: Command = { code: [0x36, 0x82], busyMs: 0.5, words: 3 };
const FEATURE_SET: Command = { code: [0x20, 0x2f], busyMs: 10, words: 1 };
const INIT: Command = { code: [0x20, 0x03], busyMs: 10 };
const MEASURE: Command = { code: [0x20, 0x08], busyMs: 12, words: 2 };
const GET_BASELINE: Command = { code: [0x20, 0x15], busyMs: 10, words: 2 };
const SET_BASELINE: Command = { code: [0x20, 0x1e], busyMs: 10 };
const SET_HUMIDITY: Command = { code: [0x20, 0x61], busyMs: 10 };

/** The upper four bits of the feature set: 0 is the SGP30, 1 the SGPC3 at the same address. */
const PRODUCT_SGP30 = 0;

/** The chip's algorithm counts on a measurement so often, in milliseconds. */
const PERIOD_MS = 1000;
/** After its beginning it answers `RESTING` for so long, in milliseconds, whatever the air is like. */
const WARM_UP_MS = 15_000;
/** By its own clock, which may be slow: so long `RESTING` is not believed. Others have counted up to 20 of these answers. */
const RESTING_MS_MAX = 20_000;
const RESTING = { eco2: 400, tvoc: 0 } as const;
/** How long a chip that goes on resting is waited for before it is begun anew, in milliseconds. */
const PATIENCE_MS = 60_000;
/** Damaged answers in a row that are flagged before the chip is opened again, which costs its warm-up. */
const STRIKES_MAX = 3;

const ECO2_RANGE = [400, 60_000] as const;
const TVOC_RANGE = [0, 60_000] as const;

const MISSING: Reading = { metrics: {}, missing: ['tvoc', 'eco2', 'air_quality'] };

/** Sensirion SGP30: total volatile organic compounds. Source: data sheet SGP30, version 1.0, May 2020. */
export const sgp30: Driver<Options> = {
  name: 'sgp30',
  summary: 'Sensirion SGP30 on I²C: volatile organic compounds of the air, what they would be as CO₂, and an index',
  options: optionsSchema,
  // The data sheet has an accuracy for the ethanol that stands for TVOC; steps are wider for more than 2,008 ppb: table 2.
  metrics: () => [
    { name: 'tvoc', range: TVOC_RANGE, resolution: 1, accuracy: { relative: 0.15 } },
    { name: 'eco2', range: ECO2_RANGE, resolution: 1, accuracy: { relative: 0.15 } },
    { name: 'air_quality', range: [0, 500], resolution: INDEX_PER_PPB_MAX, accuracy: { relative: 0.15 } },
  ],
  places: (options) => [chipPlace(options)],
  i2c: {
    addresses: ADDRESSES,
    isThere: async (device, signal) => await answersTo(SERIAL, device, signal),
  },
  create: (options, context) => new Sgp30Sensor(options, context),
};

/** Measures once a second by itself, as the chip wants it, whatever its station's interval is. */
class Sgp30Sensor implements PushedSensor {
  readonly mode = 'pushed';
  readonly #device: I2cDevice;
  readonly #words: SensirionDevice;
  readonly #clock: SensorContext['clock'];
  readonly #keeper: BaselineKeeper;
  readonly #absoluteHumidity: number | undefined;
  /** Its serial number. */
  #chip = '';
  #begunMs = 0;
  /** Whether the chip has had a baseline since it was begun: one that has none any more had no power. */
  #hasBaseline = false;

  constructor(options: Options, context: SensorContext) {
    this.#device = context.ports.i2c(settingsOf(options));
    this.#words = new SensirionDevice(this.#device, context.clock);
    this.#clock = context.clock;
    this.#keeper = new BaselineKeeper(context);
    this.#absoluteHumidity = options.absolute_humidity;
  }

  /** Throws `SENSOR_UNKNOWN`, and what the bus throws. */
  async open(signal: AbortSignal): Promise<void> {
    await this.#device.open(signal);
    const serial = await this.#words.identify(SERIAL, 'SGP30', signal);
    this.#chip = serial.map((word) => word.toString(16).padStart(4, '0')).join('');
    const [features = 0] = await this.#words.identify(FEATURE_SET, 'SGP30', signal);
    if (features >> 12 !== PRODUCT_SGP30) {
      throw unknownChip('SGP30', { feature_set: `0x${features.toString(16).padStart(4, '0')}` });
    }
    await this.#begin(signal);
  }

  /** Says nothing while the chip warms up. Throws `READING_DAMAGED`, and what the bus throws. */
  async *readings(signal: AbortSignal): AsyncIterable<Reading> {
    let dueMs = this.#clock.monotonicMs();
    let strikes = 0;
    while (!signal.aborted) {
      try {
        const reading = await this.#measure(signal);
        strikes = 0;
        if (reading !== undefined) yield reading;
      } catch (error) {
        if (signal.aborted) return;
        strikes += 1;
        if (!isDamaged(error) || strikes === STRIKES_MAX) throw error;
        yield MISSING;
      }
      // One that came late is no reason for the next to come soon.
      dueMs = Math.max(dueMs + PERIOD_MS, this.#clock.monotonicMs());
      await this.#until(dueMs, signal);
    }
  }

  async close(): Promise<void> {
    await this.#device.close();
  }

  async #begin(signal: AbortSignal): Promise<void> {
    const baseline = await this.#keeper.toRestore(this.#chip);
    await this.#words.tell(INIT, signal);
    this.#begunMs = this.#clock.monotonicMs();
    this.#hasBaseline = false;
    this.#keeper.begun();
    // In the other order than the one in which they are read.
    if (baseline !== undefined) await this.#words.tell(SET_BASELINE, signal, baseline.tvoc, baseline.eco2);
    if (this.#absoluteHumidity === undefined) return;
    await this.#words.tell(SET_HUMIDITY, signal, Math.round(this.#absoluteHumidity * HUMIDITY_STEPS));
  }

  /** Undefined: the chip warms up. */
  async #measure(signal: AbortSignal): Promise<Reading | undefined> {
    const [eco2 = 0, tvoc = 0] = await this.#words.ask(MEASURE, signal);
    const runningMs = this.#clock.monotonicMs() - this.#begunMs;
    const isResting = eco2 === RESTING.eco2 && tvoc === RESTING.tvoc;
    if (runningMs < (isResting ? RESTING_MS_MAX : WARM_UP_MS)) return undefined;
    if (isResting || !this.#hasBaseline || this.#keeper.isDue) {
      const isRunning = (await this.#lookAtBaseline(signal)) || !isResting;
      // Clean air looks like this too, but not without a baseline: the chip had no power, and waits to be begun.
      if (!isRunning && (this.#hasBaseline || runningMs >= PATIENCE_MS)) {
        await this.#begin(signal);
        return MISSING;
      }
      if (!isRunning) return undefined;
    }
    if (!isWithin(eco2, ECO2_RANGE) || !isWithin(tvoc, TVOC_RANGE)) return MISSING;
    return { metrics: { tvoc, eco2, air_quality: airQualityOf(tvoc) } };
  }

  /** Whether the chip has a baseline, which is kept when it is time for it. */
  async #lookAtBaseline(signal: AbortSignal): Promise<boolean> {
    const [eco2 = 0, tvoc = 0] = await this.#words.ask(GET_BASELINE, signal);
    // One of zeros, given back to a chip, would let it rest for ever.
    if (eco2 === 0 || tvoc === 0) return false;
    this.#hasBaseline = true;
    const baseline: Baseline = { eco2, tvoc };
    if (this.#keeper.isDue) this.#keeper.note(baseline);
    return true;
  }

  async #until(dueMs: number, signal: AbortSignal): Promise<void> {
    try {
      await this.#clock.sleep(dueMs - this.#clock.monotonicMs(), signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}

function isDamaged(error: unknown): boolean {
  return error instanceof MooringError && error.code === 'READING_DAMAGED';
}

function isWithin(value: number, [lowest, highest]: readonly [number, number]): boolean {
  return value >= lowest && value <= highest;
}
