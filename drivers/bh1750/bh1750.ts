import { z } from 'zod';
import type { Driver, I2cDevice, PolledSensor, Reading, SensorContext } from '../driver.ts';
import { chipPlace, i2cOptions, settingsOf } from '../i2c-options.ts';

const ADDRESSES = [0x23, 0x5c] as const;

const optionsSchema = z.strictObject(i2cOptions(ADDRESSES, 0x23));
type Options = z.output<typeof optionsSchema>;

const POWER_ON = 0x01;
/** One measurement in steps of 1 lx, or of 0.5 lx, after which the chip takes no power. */
const ONE_TIME_HIGH = 0x20;
const ONE_TIME_HIGH_2 = 0x21;
/** The measurement time register goes over the wire in two pieces. */
const TIME_HIGH = 0x40;
const TIME_LOW = 0x60;

/** Counts per lux at the usual measurement time. */
const COUNTS_PER_LUX = 1.2;
const USUAL_TIME = 69;
/** The longest measurement at the usual measurement time, in milliseconds. */
const MEASURING_MS = 180;
/** Timers run in whole milliseconds, and may be one early. */
const TIMER_MS = 1;

/** A way to measure: more time, and half steps, for less light. */
export interface LightRange {
  readonly mode: typeof ONE_TIME_HIGH | typeof ONE_TIME_HIGH_2;
  /** The measurement time register, 31 to 254. */
  readonly time: number;
}

/** Up to 7,400 lx in steps of 0.11; 663 ms. */
export const FINE: LightRange = { mode: ONE_TIME_HIGH_2, time: 254 };
/** Up to 54,600 lx in steps of 0.83; 180 ms. */
export const USUAL: LightRange = { mode: ONE_TIME_HIGH, time: USUAL_TIME };
/** Up to 121,500 lx in steps of 1.9; 81 ms. */
export const COARSE: LightRange = { mode: ONE_TIME_HIGH, time: 31 };

/** Below which the next sample is a fine one, and from which it is a coarse one, in lx. */
const FINE_BELOW = 1000;
const COARSE_FROM = 40_000;

/** What the converter gives when it can count no further. */
const SATURATED = 0xffff;
/** The most light that is not taken for more, in lx. */
const ILLUMINANCE_MAX = luxOf(SATURATED - 1, COARSE);

/** ROHM BH1750FVI: illuminance. Source: BH1750FVI Technical Note, 2009.04 Rev.B. */
export const bh1750: Driver<Options> = {
  name: 'bh1750',
  summary: 'ROHM BH1750FVI on I²C: illuminance',
  options: optionsSchema,
  metrics: () => [
    {
      name: 'illuminance',
      range: [0, ILLUMINANCE_MAX],
      resolution: luxOf(1, FINE),
      accuracy: { relative: 0.2 },
    },
  ],
  // Nothing in it says what it is.
  places: (options) => [chipPlace(options)],
  i2c: { addresses: ADDRESSES },
  create: (options, context) => new Bh1750Sensor(context.ports.i2c(settingsOf(options)), context),
};

/**
 * One measurement at a time in the range that the last one asks for. Everything that the chip has to know is written each
 * time, so that nothing is lost with its power.
 */
class Bh1750Sensor implements PolledSensor {
  readonly mode = 'polled';
  readonly #device: I2cDevice;
  readonly #clock: SensorContext['clock'];
  #range = USUAL;
  #wasDark = false;

  constructor(device: I2cDevice, { clock }: SensorContext) {
    this.#device = device;
    this.#clock = clock;
  }

  /** Throws what the bus throws: the chip has no register that would say what it is. */
  async open(signal: AbortSignal): Promise<void> {
    this.#range = USUAL;
    this.#wasDark = false;
    await this.#device.open(signal);
    await this.#device.write(Uint8Array.of(POWER_ON), signal);
  }

  /** Throws what the bus throws. */
  async sample(signal: AbortSignal): Promise<Reading> {
    let range = this.#range;
    let counts = await this.#measure(range, signal);
    // A chip that lost its power in the measurement says 0 too: it is believed when another, quick one says no more.
    const isSudden = counts === 0 && !this.#wasDark;
    if (isSudden || (counts === SATURATED && range !== COARSE)) {
      const again = await this.#measure(COARSE, signal);
      if (!isSudden || again > 0) [range, counts] = [COARSE, again];
    }
    this.#wasDark = counts === 0;
    const lux = luxOf(counts, range);
    this.#range = rangeFor(lux);
    if (counts === SATURATED) return { metrics: {}, missing: ['illuminance'] };
    return { metrics: { illuminance: lux } };
  }

  async close(): Promise<void> {
    await this.#device.close();
  }

  async #measure({ mode, time }: LightRange, signal: AbortSignal): Promise<number> {
    for (const instruction of [POWER_ON, TIME_HIGH | (time >> 5), TIME_LOW | (time & 0x1f), mode]) {
      await this.#device.write(Uint8Array.of(instruction), signal);
    }
    await this.#clock.sleep(Math.ceil((MEASURING_MS * time) / USUAL_TIME) + TIMER_MS, signal);
    return (await this.#device.read(2, signal)).readUInt16BE(0);
  }
}

/** lx from what the converter gives: "Measurement result adjustment" in the data sheet. */
export function luxOf(counts: number, { mode, time }: LightRange): number {
  const halves = mode === ONE_TIME_HIGH_2 ? 2 : 1;
  return (counts / COUNTS_PER_LUX / halves) * (USUAL_TIME / time);
}

function rangeFor(lux: number): LightRange {
  if (lux < FINE_BELOW) return FINE;
  return lux < COARSE_FROM ? USUAL : COARSE;
}
