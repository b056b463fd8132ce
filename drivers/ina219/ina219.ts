import { z } from 'zod';
import { MooringError } from '../../runtime/errors.ts';
import type { Driver, I2cDevice, PolledSensor, Reading, SensorContext } from '../driver.ts';
import { chipPlace, i2cOptions, settingsOf } from '../i2c-options.ts';

/** Both pins of the chip can be tied to ground, supply, SDA and SCL. */
const ADDRESSES = [
  0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x4b, 0x4c, 0x4d, 0x4e, 0x4f,
] as const;

/** Bits that say how many conversions are averaged, for the bus as for the shunt. */
const AVERAGING_BITS = { 1: 8, 2: 9, 4: 10, 8: 11, 16: 12, 32: 13, 64: 14, 128: 15 } as const;
type Averaging = keyof typeof AVERAGING_BITS;

const optionsSchema = z.strictObject({
  ...i2cOptions(ADDRESSES, 0x40),
  shunt_ohms: z
    .number()
    .min(1e-5)
    .max(100)
    .prefault(0.1)
    .meta({ hint: '0.1 on most boards: the resistor between Vin+ and Vin-, marked R100.' })
    .describe('Resistance of the shunt between Vin+ and Vin−, in ohms'),
  samples: z
    .literal([1, 2, 4, 8, 16, 32, 64, 128])
    .prefault(32)
    .describe('Conversions that the chip averages for a value; each takes about 1.1 ms'),
});
type Options = z.output<typeof optionsSchema>;

const CONFIG = 0;
const BUS_VOLTAGE = 2;
const CURRENT = 4;
const CALIBRATION = 5;

/** The configuration after power-on, and the bit that brings it about. */
const CONFIG_AT_FIRST = 0x399f;
const RESET = 0x8000;
/** Bits of the configuration that are always 0 when it is read. */
const CONFIG_ZEROS = 0xc000;
/** 32 V, ±320 mV, and one measurement of both. */
const RANGES = 0x3800;
const TRIGGERED = 0b011;
const CONVERSION_READY = 0b10;
const OVERFLOW = 0b01;

/**
 * With this in the calibration register (equation 1: 0.04096 / (step of the current × shunt)) one step of the current is one
 * of the converter, 10 µV at any shunt: a finer one would be made up, and a coarser one would lose. The chip has 0 there
 * until it is set up, and so tells that it has had no power since.
 */
const CALIBRATION_WORD = 4096;

const BUS_STEP_V = 0.004;
const SHUNT_STEP_V = 1e-5;
/** Where the converters end: 32 V and ±320 mV. */
const BUS_STEPS_MAX = 8000;
const SHUNT_STEPS_MAX = 32_000;
/** Of the shunt's voltage in the range of ±320 mV, typically; section 7.5. */
const SHUNT_OFFSET_V = 4e-5;
const GAIN_ERROR = 0.002;

/** One conversion of each at most, in milliseconds; section 7.5. */
const CONVERSION_MS_MAX = 0.586;
const START_UP_MS = 1;
const POLL_MS = 1;
const POLLS_MAX = 50;

/** Texas Instruments INA219: voltage and current of a battery or a load. Source: SBOS448. */
export const ina219: Driver<Options> = {
  name: 'ina219',
  summary: 'Texas Instruments INA219 on I²C: voltage and current of a battery or a load',
  options: optionsSchema,
  metrics: ({ shunt_ohms }) => [
    {
      name: 'battery_voltage',
      range: [0, (BUS_STEPS_MAX - 1) * BUS_STEP_V],
      resolution: BUS_STEP_V,
      accuracy: { absolute: BUS_STEP_V, relative: GAIN_ERROR },
    },
    {
      name: 'battery_current',
      range: [
        -((SHUNT_STEPS_MAX - 1) * SHUNT_STEP_V) / shunt_ohms,
        ((SHUNT_STEPS_MAX - 1) * SHUNT_STEP_V) / shunt_ohms,
      ],
      resolution: SHUNT_STEP_V / shunt_ohms,
      accuracy: { absolute: SHUNT_OFFSET_V / shunt_ohms, relative: GAIN_ERROR },
    },
  ],
  places: (options) => [chipPlace(options)],
  i2c: { addresses: ADDRESSES, isThere },
  create: (options, context) => new Ina219Sensor(options, context),
};

/** The chip has no identity register. As it is after power-on, or as this driver leaves it, no other at its addresses is. */
async function isThere(device: I2cDevice, signal: AbortSignal): Promise<boolean> {
  const config = await readWord(device, CONFIG, signal);
  if (config === CONFIG_AT_FIRST) return true;
  const isOurs = (config & (RANGES | 0b111)) === (RANGES | TRIGGERED) && (config & CONFIG_ZEROS) === 0;
  return isOurs && (await readWord(device, CALIBRATION, signal)) === CALIBRATION_WORD;
}

class Ina219Sensor implements PolledSensor {
  readonly mode = 'polled';
  readonly #device: I2cDevice;
  readonly #clock: SensorContext['clock'];
  readonly #shuntOhms: number;
  readonly #averaging: Averaging;

  constructor(options: Options, { clock, ports }: SensorContext) {
    this.#device = ports.i2c(settingsOf(options));
    this.#clock = clock;
    this.#shuntOhms = options.shunt_ohms;
    this.#averaging = options.samples;
  }

  /** Throws `SENSOR_UNKNOWN`, and what the bus throws. */
  async open(signal: AbortSignal): Promise<void> {
    await this.#device.open(signal);
    await this.#setUp(signal);
  }

  /** Throws `READING_DAMAGED`, `SENSOR_FAILED`, `SENSOR_UNKNOWN`, and what the bus throws. */
  async sample(signal: AbortSignal): Promise<Reading> {
    const measured = await this.#measure(signal);
    if (measured !== undefined) return this.#readingOf(measured);
    // It has had no power for a while.
    await this.#setUp(signal);
    const again = await this.#measure(signal);
    if (again !== undefined) return this.#readingOf(again);
    throw new MooringError('SENSOR_FAILED', 'the chip forgets its settings', {
      hint: 'It resets again and again: look at its own supply of 3.3 V, which is not the voltage that it measures.',
    });
  }

  async close(): Promise<void> {
    await this.#device.close();
  }

  async #setUp(signal: AbortSignal): Promise<void> {
    // Looked at before anything is written: it may be another chip.
    const found = await readWord(this.#device, CONFIG, signal);
    if ((found & CONFIG_ZEROS) !== 0) throw unknown(found);
    await this.#writeWord(CONFIG, RESET, signal);
    await this.#clock.sleep(START_UP_MS, signal);
    const atFirst = await readWord(this.#device, CONFIG, signal);
    if (atFirst !== CONFIG_AT_FIRST) throw unknown(atFirst);
    await this.#writeWord(CALIBRATION, CALIBRATION_WORD, signal);
  }

  /** One measurement; undefined: the chip was reset since it was set up. */
  async #measure(signal: AbortSignal): Promise<Measured | undefined> {
    const bits = AVERAGING_BITS[this.#averaging];
    const config = RANGES | (bits << 7) | (bits << 3) | TRIGGERED;
    await this.#writeWord(CONFIG, config, signal);
    await this.#clock.sleep(2 * CONVERSION_MS_MAX * this.#averaging, signal);
    const bus = await this.#busVoltage(signal);
    const current = await readWord(this.#device, CURRENT, signal);
    // Last, so that it tells of all that was read before.
    const isAsSetUp =
      (await readWord(this.#device, CALIBRATION, signal)) === CALIBRATION_WORD &&
      (await readWord(this.#device, CONFIG, signal)) === config;
    return isAsSetUp ? { bus, current: Buffer.from([current >> 8, current & 0xff]).readInt16BE(0) } : undefined;
  }

  /** The register of the bus voltage, when it says that the conversion is done. */
  async #busVoltage(signal: AbortSignal): Promise<number> {
    for (let poll = 0; poll < POLLS_MAX; poll += 1) {
      const bus = await readWord(this.#device, BUS_VOLTAGE, signal);
      if ((bus & CONVERSION_READY) !== 0) return bus;
      await this.#clock.sleep(POLL_MS, signal);
    }
    throw new MooringError('SENSOR_FAILED', 'the chip does not come to an end');
  }

  /** At the end of a converter the truth is somewhere beyond. */
  #readingOf({ bus, current }: Measured): Reading {
    const busSteps = bus >> 3;
    if (busSteps > BUS_STEPS_MAX || Math.abs(current) > SHUNT_STEPS_MAX) {
      throw new MooringError('READING_DAMAGED', 'the chip gave what it cannot have measured', {
        context: { bus, current },
      });
    }
    const metrics: Record<string, number> = {};
    const missing: string[] = [];
    if (busSteps < BUS_STEPS_MAX) metrics.battery_voltage = busSteps * BUS_STEP_V;
    else missing.push('battery_voltage');
    if (Math.abs(current) < SHUNT_STEPS_MAX && (bus & OVERFLOW) === 0) {
      metrics.battery_current = (current * SHUNT_STEP_V) / this.#shuntOhms;
    } else missing.push('battery_current');
    return missing.length === 0 ? { metrics } : { metrics, missing };
  }

  async #writeWord(register: number, word: number, signal: AbortSignal): Promise<void> {
    await this.#device.write(Uint8Array.of(register, word >> 8, word & 0xff), signal);
  }
}

interface Measured {
  /** The register of the bus voltage, its flags included. */
  readonly bus: number;
  readonly current: number;
}

async function readWord(device: I2cDevice, register: number, signal: AbortSignal): Promise<number> {
  return (await device.readRegister(register, 2, signal)).readUInt16BE(0);
}

function unknown(config: number): MooringError {
  return new MooringError('SENSOR_UNKNOWN', 'the chip at this address is no INA219', {
    context: { config: `0x${config.toString(16).padStart(4, '0')}` },
    hint: 'Look at `address`: another chip may stand there, an INA226 or INA260 say.',
  });
}
