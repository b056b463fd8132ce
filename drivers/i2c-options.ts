import { z } from 'zod';
import { pattern } from '../runtime/config/values.ts';
import type { I2cSettings, Place } from './driver.ts';

const BUS = /^i2c-\d{1,3}$/;

/** The addresses that the three pins of a TCA9548A can choose. */
const MUX_ADDRESS_MIN = 0x70;
const MUX_ADDRESS_MAX = 0x77;
const MUX_ADDRESSES = [0x70, 0x71, 0x72, 0x73, 0x74, 0x75, 0x76, 0x77];

/**
 * The keys that every driver of an I²C chip has: spread into its schema.
 * @param addresses those that the chip's pins can choose, 7 bits
 * @param usual the one that most boards come with
 */
export function i2cOptions<const Address extends number>(addresses: readonly Address[], usual: NoInfer<Address>) {
  return {
    bus: pattern(BUS, 'the name of an I²C bus', 'Write `i2c-1` for /dev/i2c-1; `ls /dev/i2c-*` shows which there are.')
      .prefault('i2c-1')
      .describe('I²C bus: `i2c-1` is the one on pins 3 and 5 of a Raspberry Pi'),
    address: z
      .literal([...addresses], {
        error: ({ input }) => (typeof input === 'number' ? `is none of ${addresses.map(hex).join(', ')}` : undefined),
      })
      .prefault(usual)
      .meta({
        hintOf: (value: unknown) =>
          `${decimalHint(value, addresses)}The chip answers at ${addresses.map(hex).join(' or ')}.`,
        defaultText: hex(usual),
        kind: `one of ${addresses.map((each) => `\`${hex(each)}\``).join(', ')}`,
      })
      .describe('Its address on the bus'),
    mux: z
      .strictObject({
        address: z
          .int()
          .min(MUX_ADDRESS_MIN, { error: `is less than ${hex(MUX_ADDRESS_MIN)}` })
          .max(MUX_ADDRESS_MAX, { error: `is more than ${hex(MUX_ADDRESS_MAX)}` })
          .meta({ hintOf: (value: unknown) => decimalHint(value, MUX_ADDRESSES).trimEnd() })
          .describe('Address of the multiplexer, 0x70 to 0x77'),
        channel: z.int().min(0).max(7).describe('The channel that the chip is on, 0 to 7'),
      })
      .optional()
      .describe('The multiplexer (TCA9548A, PCA9548A) that the chip stands behind, if it does'),
  };
}

/** The options of an I²C driver as the port wants them. */
export function settingsOf({ bus, address, mux }: I2cOptions): I2cSettings {
  return { bus, address, ...(mux === undefined ? {} : { mux }) };
}

/** The chip that a sensor with these options has. */
export function chipPlace(options: I2cOptions): Extract<Place, { kind: 'i2c' }> {
  return { kind: 'i2c', at: ['address'], settings: settingsOf(options) };
}

/** What the keys of `i2cOptions` are once they have been checked. */
interface I2cOptions {
  readonly bus: string;
  readonly address: number;
  readonly mux?: I2cSettings['mux'] | undefined;
}

/** What a number without `0x` in front is, and what it was meant to be; '' where it is no number. */
function decimalHint(value: unknown, addresses: readonly number[]): string {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0) return '';
  const meant = addresses.find((address) => address.toString(16) === String(value));
  const question = meant === undefined ? '. ' : `; did you mean ${hex(meant)}? `;
  return `${value} is ${hex(value)}${question}`;
}

/** An address as data sheets write it: `0x76`. */
export function hex(address: number): string {
  return `0x${address.toString(16).padStart(2, '0')}`;
}
