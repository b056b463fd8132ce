import { z } from 'zod';
import type { Driver } from '../driver.ts';
import { chipPlace, i2cOptions, settingsOf } from '../i2c-options.ts';
import { answersTo, type Command } from '../sensirion-words.ts';
import { HUMIDITY_RANGE, heaterOption, type ShtChip, ShtSensor, TEMPERATURE_RANGE } from '../sht-sensor.ts';

/** By the last letters of the part's name: A, B, C. */
const ADDRESSES = [0x44, 0x45, 0x46] as const;

const optionsSchema = z.strictObject({ ...i2cOptions(ADDRESSES, 0x44), heater: heaterOption() });
type Options = z.output<typeof optionsSchema>;

const SERIAL: Command = { code: [0x89], busyMs: 1, words: 2 };

const chip: ShtChip = {
  name: 'SHT4x',
  reset: [{ code: [0x94], busyMs: 1 }],
  identity: SERIAL,
  /** High repeatability. */
  measure: { code: [0xfd], busyMs: 8.3, words: 2 },
  humidity: humidityOf,
  /** 200 mW for 1 s. */
  heater: { on: { code: [0x39], busyMs: 1100 }, pulseMs: 1150 },
};

/** Sensirion SHT40, SHT41, SHT45: temperature and humidity of the air. Source: data sheet SHT4x, version 6. */
export const sht4x: Driver<Options> = {
  name: 'sht4x',
  summary: 'Sensirion SHT40, SHT41, SHT45 on I²C: temperature and humidity of the air',
  options: optionsSchema,
  // Those of the SHT40, the least accurate: sections 2.1 and 2.2.
  metrics: () => [
    { name: 'temperature', range: TEMPERATURE_RANGE, resolution: 0.01, accuracy: { absolute: 0.2 } },
    { name: 'humidity', range: HUMIDITY_RANGE, resolution: 0.01, accuracy: { absolute: 1.8 } },
  ],
  places: (options) => [chipPlace(options)],
  i2c: {
    addresses: ADDRESSES,
    isThere: async (device, signal) => await answersTo(SERIAL, device, signal),
  },
  create: (options, context) => new ShtSensor(chip, context.ports.i2c(settingsOf(options)), context, options.heater),
};

/** % from a word, which may lie a little below 0 or above 100: section 4.6. */
function humidityOf(word: number): number {
  return -6 + (125 * word) / 0xffff;
}
