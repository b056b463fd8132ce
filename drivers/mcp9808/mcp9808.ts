import { z } from 'zod';
import { MooringError } from '../../runtime/errors.ts';
import type { Driver, I2cDevice, PolledSensor, Reading, SensorContext } from '../driver.ts';
import { chipPlace, i2cOptions, settingsOf } from '../i2c-options.ts';
import { valuesInRange } from '../values-in-range.ts';

/** By the pins A0, A1 and A2. */
const ADDRESSES = [0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f] as const;

const optionsSchema = z.strictObject(i2cOptions(ADDRESSES, 0x18));
type Options = z.output<typeof optionsSchema>;

const CONFIG = 0x01;
const TEMPERATURE = 0x05;
const MANUFACTURER = 0x06;
const DEVICE = 0x07;
const RESOLUTION = 0x08;

const MICROCHIP = 0x0054;
/** In the upper byte; the lower one is the revision. */
const MCP9808 = 0x04;
const FULL_RESOLUTION = 0b11;

/**
 * The chip measures again and again, and its alert output is off, which has no use for the hysteresis of 3 °C. All of the
 * register is 0 in a chip that has had no power since it was set up, and whose temperature may be the 0 of its power-on.
 */
const CONFIG_MARK = 0x0400;

/** What the chip is made for, in °C. */
const RANGE = [-40, 125] as const;
const STEP = 0.0625;
/** Above the sign are three bits that compare the temperature with the limits of the alert. */
const ALERT_BITS = 3;

/** Until the first conversion is there, in milliseconds: 250 typically, and the data sheet gives no longest time. */
const FIRST_CONVERSION_MS = 400;

/** Microchip MCP9808: temperature. Source: DS25095A, sections 1 and 5. */
export const mcp9808: Driver<Options> = {
  name: 'mcp9808',
  summary: 'Microchip MCP9808 on I²C: temperature',
  options: optionsSchema,
  metrics: () => [{ name: 'temperature', range: RANGE, resolution: STEP, accuracy: { absolute: 0.25 } }],
  places: (options) => [chipPlace(options)],
  i2c: {
    addresses: ADDRESSES,
    isThere: async (device, signal) => isMcp9808(await identify(device, signal)),
  },
  create: (options, context) => new Mcp9808Sensor(context.ports.i2c(settingsOf(options)), context),
};

class Mcp9808Sensor implements PolledSensor {
  readonly mode = 'polled';
  readonly #device: I2cDevice;
  readonly #clock: SensorContext['clock'];
  /** Set up, and a conversion is there. */
  #isReady = false;

  constructor(device: I2cDevice, { clock }: SensorContext) {
    this.#device = device;
    this.#clock = clock;
  }

  /** Throws `SENSOR_UNKNOWN`, and what the bus throws. */
  async open(signal: AbortSignal): Promise<void> {
    await this.#device.open(signal);
    await this.#setUp(signal);
  }

  /** Throws `SENSOR_FAILED`, `SENSOR_UNKNOWN`, and what the bus throws. */
  async sample(signal: AbortSignal): Promise<Reading> {
    let temperature = await this.#measured(signal);
    if (temperature === undefined) {
      // It had no power for a while, and may have been exchanged.
      await this.#setUp(signal);
      temperature = await this.#measured(signal);
    }
    if (temperature !== undefined) return valuesInRange({ temperature: [temperature, RANGE] });
    throw new MooringError('SENSOR_FAILED', 'the chip does not keep its settings', {
      hint: 'It loses its power again and again: look at its supply and wires. Or another program has locked its alert: take its power for a moment.',
    });
  }

  async close(): Promise<void> {
    await this.#device.close();
  }

  async #setUp(signal: AbortSignal): Promise<void> {
    this.#isReady = false;
    // Looked at before anything is written: it may be another chip.
    const found = await identify(this.#device, signal);
    if (!isMcp9808(found)) throw unknown(found);
    await this.#device.write(Uint8Array.of(RESOLUTION, FULL_RESOLUTION), signal);
    await this.#device.write(Uint8Array.of(CONFIG, CONFIG_MARK >> 8, CONFIG_MARK & 0xff), signal);
    await this.#clock.sleep(FIRST_CONVERSION_MS, signal);
    this.#isReady = true;
  }

  /** °C of the last conversion; undefined: the chip is not set up, or not any more. */
  async #measured(signal: AbortSignal): Promise<number | undefined> {
    if (!this.#isReady) return undefined;
    const word = await readWord(this.#device, TEMPERATURE, signal);
    // Last, so that it tells of what was read before.
    const config = await readWord(this.#device, CONFIG, signal);
    return config === CONFIG_MARK ? ((word << (16 + ALERT_BITS)) >> (16 + ALERT_BITS)) * STEP : undefined;
  }
}

interface Identity {
  readonly manufacturer: number;
  readonly device: number;
}

async function identify(device: I2cDevice, signal: AbortSignal): Promise<Identity> {
  return {
    manufacturer: await readWord(device, MANUFACTURER, signal),
    device: await readWord(device, DEVICE, signal),
  };
}

function isMcp9808({ manufacturer, device }: Identity): boolean {
  return manufacturer === MICROCHIP && device >> 8 === MCP9808;
}

function unknown({ manufacturer, device }: Identity): MooringError {
  return new MooringError('SENSOR_UNKNOWN', 'the chip at this address is no MCP9808', {
    context: { manufacturer: hex(manufacturer), device: hex(device) },
    hint:
      manufacturer === MICROCHIP
        ? 'It is another thermometer of Microchip: look at what is printed on it.'
        : 'Look at `address`: another chip may stand there.',
  });
}

async function readWord(device: I2cDevice, register: number, signal: AbortSignal): Promise<number> {
  return (await device.readRegister(register, 2, signal)).readUInt16BE(0);
}

function hex(word: number): string {
  return `0x${word.toString(16).padStart(4, '0')}`;
}
