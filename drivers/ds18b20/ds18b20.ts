import { z } from 'zod';
import { metricNamed } from '../../protocol/metrics.ts';
import { METRIC_NAME_PATTERN, RESERVED_KEYS } from '../../protocol/record.ts';
import { pattern } from '../../runtime/config/values.ts';
import { MooringError } from '../../runtime/errors.ts';
import type { Driver, OneWireDevice, PolledSensor, Reading, SensorContext } from '../driver.ts';

/** Families of chips with the same scratchpad: DS18B20, and its less accurate brother DS1822. */
const DEVICE = /^(28|22)-[0-9a-f]{12}$/;
/** The kernel begins a conversion when this is read (Documentation/w1/slaves/w1_therm.rst of Linux). */
const FILE = 'w1_slave';
/** The scratchpad of nine bytes as it was read, with the kernel's verdict on its checksum. */
const SCRATCHPAD = /^((?:[0-9a-f]{2} ){9}): crc=[0-9a-f]{2} (YES|NO)$/m;

/** Steps of a °C at 12 bits; data sheet, figure 4. */
const STEPS = 16;
const RANGE = [-55, 125] as const;
/** What the register holds after power-on, until a conversion is done: 85 °C; data sheet, table 1. */
const POWER_ON = 0x0550;
/** A conversion at 12 bits, 750 ms (data sheet, figure 8), and what the kernel asks before and behind it, in milliseconds. */
const SAMPLE_MS = 1000;
/** Byte 4 of the scratchpad: in its bits 5 and 6 stands how many bits more than 9 a conversion has; figure 8. */
const CONFIGURATION = 4;

const optionsSchema = z.strictObject({
  device: pattern(DEVICE, 'the id of a DS18B20', 'Its folder in /sys/bus/w1/devices: 28-0316a2798dff, say.').describe(
    'Its id: `ls /sys/bus/w1/devices`',
  ),
  metric: pattern(METRIC_NAME_PATTERN, 'the name of a metric', 'water_temperature, temperature, or one of your own.')
    .refine((name) => !RESERVED_KEYS.has(name), { error: 'is a word that every record has' })
    .refine((name) => (metricNamed(name)?.type ?? 'number') === 'number', { error: 'is no metric of numbers' })
    .prefault('water_temperature')
    .describe('What it is the temperature of'),
});
type Options = z.output<typeof optionsSchema>;

/** Maxim DS18B20 on the kernel's 1-Wire bus: temperature, of water mostly. Source: data sheet 19-7487 rev. 6. */
export const ds18b20: Driver<Options> = {
  name: 'ds18b20',
  summary: 'Maxim DS18B20 on 1-Wire: temperature of water, soil or air',
  options: optionsSchema,
  metrics: ({ metric }) => [{ name: metric, range: RANGE, resolution: 1 / STEPS, accuracy: { absolute: 0.5 } }],
  sampleMs: SAMPLE_MS,
  places: ({ device }) => [{ kind: 'one_wire', at: ['device'], device }],
  create: (options, context) => new Ds18b20Sensor(options, context),
};

class Ds18b20Sensor implements PolledSensor {
  readonly mode = 'polled';
  readonly #options: Options;
  readonly #device: OneWireDevice;

  constructor(options: Options, { ports }: SensorContext) {
    this.#options = options;
    this.#device = ports.oneWire(options.device);
  }

  /** Throws `PORT_ABSENT` where the kernel does not know it. */
  async open(signal: AbortSignal): Promise<void> {
    await this.#device.open(signal);
  }

  /** Throws `READING_DAMAGED`, and what the bus throws. */
  async sample(signal: AbortSignal): Promise<Reading> {
    const { device, metric } = this.#options;
    const text = await this.#device.read(FILE, signal);
    const [, printed = '', verdict] = SCRATCHPAD.exec(text) ?? [];
    const bytes = Buffer.from(printed.replaceAll(' ', ''), 'hex');
    const damaged = (what: string): MooringError =>
      new MooringError('READING_DAMAGED', what, { context: { device, text: text.slice(0, 80) } });
    if (verdict === undefined) throw damaged('the 1-Wire file says something else than a scratchpad');
    if (verdict === 'NO') throw damaged('the checksum of the DS18B20 is wrong');
    // Their checksum is right: a data line that is held low reads so.
    if (bytes.every((byte) => byte === 0)) throw damaged('nothing but zeros comes from the DS18B20');
    const raw = bytes.readInt16LE(0);
    // The others mean nothing in a sensor that somebody has set to fewer bits, which it keeps for ever.
    const unusedBits = 3 - ((bytes.readUInt8(CONFIGURATION) >> 5) & 3);
    const celsius = ((raw >> unusedBits) << unusedBits) / STEPS;
    if (raw === POWER_ON) throw damaged('the DS18B20 has had no power since the conversion was begun');
    if (celsius < RANGE[0] || celsius > RANGE[1]) throw damaged('the DS18B20 gives a temperature that it cannot have');
    return { metrics: { [metric]: celsius } };
  }

  async close(): Promise<void> {
    await this.#device.close();
  }
}
