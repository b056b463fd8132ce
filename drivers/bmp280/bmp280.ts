import { z } from 'zod';
import type { Driver, DriverMetric, Reading } from '../driver.ts';
import { chipPlace, i2cOptions, settingsOf } from '../i2c-options.ts';
import { valuesInRange } from '../values-in-range.ts';
import {
  fineTemperature,
  pressureOf,
  TRIMMING_BYTES,
  TRIMMING_REGISTER,
  type Trimming,
  temperatureOf,
  trimmingOf,
} from './compensation.ts';
import { type ForcedChip, ForcedSensor, identify, OVERSAMPLINGS, type Oversampling } from './forced-sensor.ts';

const ADDRESSES = [0x76, 0x77] as const;
const CHIP_ID = 0x58;

const optionsSchema = z.strictObject({ ...i2cOptions(ADDRESSES, 0x76), oversampling: oversamplingOption() });
type Options = z.output<typeof optionsSchema>;

const chip: ForcedChip<Trimming> = {
  id: CHIP_ID,
  name: 'BMP280',
  quantities: 2,
  dataBytes: 6,
  trimming: async (read) => trimmingOf(await read(TRIMMING_REGISTER, TRIMMING_BYTES)),
  settings: () => [],
  convert: (data, trimming) => pressureAndTemperature(data, trimming)?.reading,
};

/** Bosch BMP280: air pressure and temperature. Source: BST-BMP280-DS001. */
export const bmp280: Driver<Options> = {
  name: 'bmp280',
  summary: 'Bosch BMP280 on I²C: air pressure and temperature',
  options: optionsSchema,
  metrics: ({ oversampling }) => metricsOf(oversampling),
  places: (options) => [chipPlace(options)],
  i2c: {
    addresses: ADDRESSES,
    isThere: async (device, signal) => (await identify(device, signal)) === CHIP_ID,
  },
  create: (options, context) =>
    new ForcedSensor(chip, context.ports.i2c(settingsOf(options)), context, options.oversampling),
};

/** The key of both chips of the family. */
export function oversamplingOption() {
  return z
    .literal([...OVERSAMPLINGS])
    .prefault(4)
    .meta({ hint: 'One of 1, 2, 4, 8 and 16.' })
    .describe('Conversions that the chip averages for a value: less noise, and 2.3 ms more for each and quantity');
}

/** What both chips of the family say of temperature and pressure; sections 1 and 3.3. */
export function metricsOf(oversampling: Oversampling): readonly DriverMetric[] {
  return [
    {
      name: 'temperature',
      range: TEMPERATURE_RANGE,
      resolution: 0.005 / oversampling,
      accuracy: { absolute: 1 },
    },
    {
      name: 'pressure',
      range: PRESSURE_RANGE,
      resolution: 0.0262 / oversampling,
      accuracy: { absolute: 1 },
    },
  ];
}

const TEMPERATURE_RANGE = [-40, 85] as const;
const PRESSURE_RANGE = [300, 1100] as const;

/** The largest of 20 bits, from a data line that stays high; as 0 is from one that stays low. */
const RAW_MAX = 0xf_ffff;
/** Where nothing was measured: skipped, or not since the chip had power. */
const RAW_SKIPPED = 0x8_0000;

/**
 * The first six bytes of data. What is beyond the sensor's range is missing. Undefined: no measurement can have given them.
 */
export function pressureAndTemperature(
  data: Buffer,
  trimming: Trimming,
): { readonly reading: Reading; readonly fine: number } | undefined {
  const rawPressure = data.readUIntBE(0, 3) >> 4;
  const rawTemperature = data.readUIntBE(3, 3) >> 4;
  const raw = [rawPressure, rawTemperature];
  // One of them alone is a value like any other.
  if (raw.every((each) => each === RAW_SKIPPED) || raw.some((each) => each === 0 || each === RAW_MAX)) return undefined;
  const fine = fineTemperature(rawTemperature, trimming);
  const temperature = temperatureOf(fine);
  const [lowest, highest] = TEMPERATURE_RANGE;
  // The formula makes up for the temperature: if that is impossible, so is the pressure.
  const isPossible = temperature >= lowest && temperature <= highest;
  const pressure = isPossible ? pressureOf(rawPressure, fine, trimming) : Number.NaN;
  return {
    reading: valuesInRange({
      temperature: [temperature, TEMPERATURE_RANGE],
      pressure: [pressure, PRESSURE_RANGE],
    }),
    fine,
  };
}
