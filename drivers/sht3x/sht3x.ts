import { z } from 'zod';
import type { Driver } from '../driver.ts';
import { chipPlace, i2cOptions, settingsOf } from '../i2c-options.ts';
import { answersTo, type Command } from '../sensirion-words.ts';
import { HUMIDITY_RANGE, heaterOption, type ShtChip, ShtSensor, TEMPERATURE_RANGE } from '../sht-sensor.ts';

const ADDRESSES = [0x44, 0x45] as const;

const optionsSchema = z.strictObject({ ...i2cOptions(ADDRESSES, 0x44), heater: heaterOption() });
type Options = z.output<typeof optionsSchema>;

const STATUS: Command = { code: [0xf3, 0x2d], busyMs: 1, words: 1 };
const HEATER_BIT = 1 << 13;

const chip: ShtChip = {
  name: 'SHT3x',
  /** Break, which ends periodic measurements, and soft reset, which is for a chip that is idle. */
  reset: [
    { code: [0x30, 0x93], busyMs: 1 },
    { code: [0x30, 0xa2], busyMs: 1.5 },
  ],
  identity: STATUS,
  /** High repeatability, without stretching the clock, which a Raspberry Pi takes badly. */
  measure: { code: [0x24, 0x00], busyMs: 15.5, words: 2 },
  humidity: humidityOf,
  heater: {
    on: { code: [0x30, 0x6d], busyMs: 1 },
    off: { code: [0x30, 0x66], busyMs: 1 },
    pulseMs: 1000,
    isOn: ([status = 0]) => (status & HEATER_BIT) !== 0,
  },
};

/** Sensirion SHT30, SHT31, SHT35: temperature and humidity of the air. Source: data sheet SHT3x-DIS, version 5. */
export const sht3x: Driver<Options> = {
  name: 'sht3x',
  summary: 'Sensirion SHT30, SHT31, SHT35 on I²C: temperature and humidity of the air',
  options: optionsSchema,
  // Those of the SHT30, the least accurate: tables 1 and 2.
  metrics: () => [
    { name: 'temperature', range: TEMPERATURE_RANGE, resolution: 0.015, accuracy: { absolute: 0.2 } },
    { name: 'humidity', range: HUMIDITY_RANGE, resolution: 0.01, accuracy: { absolute: 2 } },
  ],
  places: (options) => [chipPlace(options)],
  i2c: {
    addresses: ADDRESSES,
    isThere: async (device, signal) => await answersTo(STATUS, device, signal),
  },
  create: (options, context) => new ShtSensor(chip, context.ports.i2c(settingsOf(options)), context, options.heater),
};

/** % from a word: section 4.13. */
function humidityOf(word: number): number {
  return (100 * word) / 0xffff;
}
