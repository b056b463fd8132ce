import { z } from 'zod';
import { metricNamed } from '../../protocol/metrics.ts';
import { METRIC_NAME_PATTERN, RESERVED_KEYS } from '../../protocol/record.ts';
import { pattern } from '../../runtime/config/values.ts';
import { MooringError } from '../../runtime/errors.ts';
import type { Driver, DriverMetric, I2cDevice, PolledSensor, Reading, SensorContext } from '../driver.ts';
import { chipPlace, i2cOptions, settingsOf } from '../i2c-options.ts';
import { type ChipTurns, chipTurns } from '../i2c-turns.ts';

/** ADDR tied to GND, VDD, SDA and SCL. */
const ADDRESSES = [0x48, 0x49, 0x4a, 0x4b] as const;

/** Inputs that the multiplexer puts on the converter, one against ground or two against each other; table 8. */
const CHANNEL_BITS = { 0: 4, 1: 5, 2: 6, 3: 7, '0-1': 0, '0-3': 1, '1-3': 2, '2-3': 3 } as const;
type Channel = 0 | 1 | 2 | 3 | '0-1' | '0-3' | '1-3' | '2-3';
const CHANNELS = [0, 1, 2, 3, '0-1', '0-3', '1-3', '2-3'] as const satisfies readonly Channel[];

/** Volts at which the converter ends; table 8. */
const FULL_SCALE_BITS = { 6.144: 0, 4.096: 1, 2.048: 2, 1.024: 3, 0.512: 4, 0.256: 5 } as const;
const FULL_SCALES = [
  6.144, 4.096, 2.048, 1.024, 0.512, 0.256,
] as const satisfies readonly (keyof typeof FULL_SCALE_BITS)[];

/** Conversions a second, in the order of their bits; table 8. */
const RATE_BITS = { 8: 0, 16: 1, 32: 2, 64: 3, 128: 4, 250: 5, 475: 6, 860: 7 } as const;
const RATES = [8, 16, 32, 64, 128, 250, 475, 860] as const satisfies readonly (keyof typeof RATE_BITS)[];

const optionsSchema = z.strictObject({
  ...i2cOptions(ADDRESSES, 0x48),
  channel: z
    .literal([...CHANNELS])
    .meta({ hint: "Write an input, 0 to 3, or two against each other: '0-1', '0-3', '1-3' or '2-3'." })
    .describe("Input against ground, 0 to 3, or the first of two against the second: '0-1', '0-3', '1-3', '2-3'"),
  metric: pattern(
    METRIC_NAME_PATTERN,
    'the name of a metric',
    'The metric that the voltage stands for: noise_level, say.',
  )
    .refine((name) => !RESERVED_KEYS.has(name), { error: 'is a word that every record has' })
    .refine((name) => (metricNamed(name)?.type ?? 'number') === 'number', { error: 'is no metric of numbers' })
    .describe('What the voltage stands for; `calibrate` turns volts into its unit'),
  full_scale: z
    .literal([...FULL_SCALES])
    .prefault(4.096)
    .meta({ hint: `One of ${FULL_SCALES.join(', ')}.` })
    .describe('Volts at which the converter ends: the smallest that is above what the input can reach'),
  rate: z
    .literal([...RATES])
    .prefault(128)
    .meta({ hint: `One of ${RATES.join(', ')}.` })
    .describe('Conversions a second; a slower one has less noise and takes longer'),
});
type Options = z.output<typeof optionsSchema>;

const CONVERSION = 0;
const CONFIG = 1;
const LOW_THRESHOLD = 2;
const HIGH_THRESHOLD = 3;
const LOW_THRESHOLD_AT_FIRST = 0x8000;
const HIGH_THRESHOLD_AT_FIRST = 0x7fff;

/** When written: begin. When read: no conversion is under way. */
const START = 0x8000;
const SINGLE_SHOT = 0x0100;
const COMPARATOR_OFF = 0x0003;
/**
 * A latch of the comparator, which is off. It is not set in a chip that has had no power since the conversion was begun, and
 * whose result is 0 V.
 */
const MARK = 0x0004;

const STEPS = 32_768;
/** One below the end is the largest that is a measurement. */
const HIGHEST = STEPS - 2;
/** Below ground an input has no more than the converter's own offset; section 6.5: ±3 steps, typically. */
const OFFSET_STEPS_MAX = 16;
const OFFSET_STEPS = 3;
const GAIN_ERROR = 0.0001;

/** The internal clock is up to 10 % slower, and takes 25 µs to wake up; section 6.5. */
const RATE_TOLERANCE = 1.1;
const WAKE_UP_MS = 0.025;
const POLL_MS = 1;
const POLLS_MAX = 20;

/** Texas Instruments ADS1115: one voltage, for any transducer that gives one. Source: SBAS444. */
export const ads1115: Driver<Options> = {
  name: 'ads1115',
  summary: 'Texas Instruments ADS1115 on I²C: any transducer that gives a voltage',
  options: optionsSchema,
  metrics: (options) => [metricOf(options)],
  places: (options) => [{ ...chipPlace(options), input: { at: ['channel'], name: options.channel } }],
  i2c: { addresses: ADDRESSES, isThere },
  create: (options, context) => new Ads1115Sensor(options, context),
};

function metricOf({ metric, channel, full_scale }: Options): DriverMetric {
  const step = full_scale / STEPS;
  return {
    name: metric,
    ...(metricNamed(metric)?.unit === 'V' ? {} : { unit: 'V' }),
    range: [isDifferential(channel) ? -(STEPS - 1) * step : 0, HIGHEST * step],
    resolution: step,
    accuracy: { absolute: OFFSET_STEPS * step, relative: GAIN_ERROR },
  };
}

function isDifferential(channel: Channel): boolean {
  return typeof channel === 'string';
}

/** It has no identity register; its thresholds, which nobody here uses, are at the ends of its range after power-on. */
async function isThere(device: I2cDevice, signal: AbortSignal): Promise<boolean> {
  return (
    (await readWord(device, LOW_THRESHOLD, signal)) === LOW_THRESHOLD_AT_FIRST &&
    (await readWord(device, HIGH_THRESHOLD, signal)) === HIGH_THRESHOLD_AT_FIRST
  );
}

class Ads1115Sensor implements PolledSensor {
  readonly mode = 'polled';
  readonly #options: Options;
  readonly #device: I2cDevice;
  readonly #clock: SensorContext['clock'];
  /** Other inputs of the chip are sensors of their own. */
  readonly #turns: ChipTurns;

  constructor(options: Options, { clock, ports }: SensorContext) {
    this.#options = options;
    this.#device = ports.i2c(settingsOf(options));
    this.#turns = chipTurns(ports, settingsOf(options));
    this.#clock = clock;
  }

  /** Throws `SENSOR_UNKNOWN`, and what the bus throws. */
  async open(signal: AbortSignal): Promise<void> {
    await this.#device.open(signal);
    if (await isThere(this.#device, signal)) return;
    throw new MooringError('SENSOR_UNKNOWN', 'the chip at this address is no ADS1115', {
      hint: 'Look at `address`. If it is one, another program has set its comparator: take its power for a moment.',
    });
  }

  /** One conversion. Throws `READING_DAMAGED`, `SENSOR_FAILED`, and what the bus throws. */
  async sample(signal: AbortSignal): Promise<Reading> {
    const { metric, channel, full_scale } = this.#options;
    const raw = await this.#turns.take(signal, () => this.#convert(signal));
    const steps = isDifferential(channel) || raw < -OFFSET_STEPS_MAX ? raw : Math.max(0, raw);
    const lowest = isDifferential(channel) ? -(STEPS - 1) : 0;
    if (steps < lowest || steps > HIGHEST) return { metrics: {}, missing: [metric] };
    return { metrics: { [metric]: (steps * full_scale) / STEPS } };
  }

  async close(): Promise<void> {
    await this.#device.close();
  }

  /** What the converter gives, in steps. */
  async #convert(signal: AbortSignal): Promise<number> {
    const { channel, full_scale, rate } = this.#options;
    const config =
      (CHANNEL_BITS[channel] << 12) |
      (FULL_SCALE_BITS[full_scale] << 9) |
      SINGLE_SHOT |
      (RATE_BITS[rate] << 5) |
      MARK |
      COMPARATOR_OFF;
    await this.#quiet(config, signal);
    await this.#writeConfig(config | START, signal);
    await this.#clock.sleep(convertingMsMax(rate), signal);
    await this.#finish(config, signal);
    const raw = (await this.#device.readRegister(CONVERSION, 2, signal)).readInt16BE(0);
    // Once more: had it been without power in between, it would have given 0 V.
    await this.#finish(config, signal);
    return raw;
  }

  /**
   * Waits for the conversion of a call that was given up, or of whoever had the chip in continuous mode: while it lasts none
   * begins, and its result is that of its own input; sections 8.4.2 and 8.6.3.
   */
  async #quiet(config: number, signal: AbortSignal): Promise<void> {
    const found = await readWord(this.#device, CONFIG, signal);
    if ((found & START) !== 0 && (found & SINGLE_SHOT) !== 0) return;
    await this.#writeConfig(config, signal);
    await this.#clock.sleep(convertingMsMax(RATES[(found >> 5) & 7] ?? RATES[0]), signal);
  }

  async #writeConfig(word: number, signal: AbortSignal): Promise<void> {
    await this.#device.write(Uint8Array.of(CONFIG, word >> 8, word & 0xff), signal);
  }

  /** Waits until no conversion is under way, of a chip that is as it was configured. */
  async #finish(config: number, signal: AbortSignal): Promise<void> {
    for (let poll = 0; poll < POLLS_MAX; poll += 1) {
      const found = await readWord(this.#device, CONFIG, signal);
      if ((found & ~START) !== config) {
        throw new MooringError('READING_DAMAGED', 'the chip is not as it was configured for this conversion', {
          context: { found: hex(found), expected: hex(config) },
          hint: 'Now and then: it was without power, or a bit turned on the wire. Always: it is no ADS1115.',
        });
      }
      if ((found & START) !== 0) return;
      await this.#clock.sleep(POLL_MS, signal);
    }
    throw new MooringError('SENSOR_FAILED', 'the chip does not come to an end');
  }
}

/** The longest that one conversion takes, in milliseconds. */
function convertingMsMax(rate: number): number {
  return (1000 / rate) * RATE_TOLERANCE + WAKE_UP_MS;
}

async function readWord(device: I2cDevice, register: number, signal: AbortSignal): Promise<number> {
  return (await device.readRegister(register, 2, signal)).readUInt16BE(0);
}

function hex(word: number): string {
  return `0x${word.toString(16).padStart(4, '0')}`;
}
