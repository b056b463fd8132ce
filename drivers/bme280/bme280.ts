import { z } from 'zod';
import { metricsOf, oversamplingOption, pressureAndTemperature } from '../bmp280/bmp280.ts';
import { TRIMMING_BYTES, TRIMMING_REGISTER, type Trimming, trimmingOf } from '../bmp280/compensation.ts';
import { type ForcedChip, ForcedSensor, identify } from '../bmp280/forced-sensor.ts';
import type { Driver, Reading } from '../driver.ts';
import { chipPlace, i2cOptions, settingsOf } from '../i2c-options.ts';
import {
  H1_REGISTER,
  H2_BYTES,
  H2_REGISTER,
  type HumidityTrimming,
  humidityOf,
  humidityTrimmingOf,
} from './humidity.ts';

const ADDRESSES = [0x76, 0x77] as const;
const CHIP_ID = 0x60;
const CONTROL_HUMIDITY = 0xf2;
const HUMIDITY_OFFSET = 6;

const optionsSchema = z.strictObject({ ...i2cOptions(ADDRESSES, 0x76), oversampling: oversamplingOption() });
type Options = z.output<typeof optionsSchema>;

type Bme280Trimming = Trimming & { readonly h: HumidityTrimming };

const chip: ForcedChip<Bme280Trimming> = {
  id: CHIP_ID,
  name: 'BME280',
  quantities: 3,
  dataBytes: 8,
  async trimming(read) {
    const first = await read(TRIMMING_REGISTER, H1_REGISTER - TRIMMING_REGISTER + 1);
    const trimming = trimmingOf(first.subarray(0, TRIMMING_BYTES));
    const h = humidityTrimmingOf(first.readUInt8(first.length - 1), await read(H2_REGISTER, H2_BYTES));
    return trimming === undefined || h[1] === 0 ? undefined : { ...trimming, h };
  },
  // Takes effect when `ctrl_meas` is written after it.
  settings: (oversamplingBits) => [CONTROL_HUMIDITY, oversamplingBits],
  convert,
};

/** Bosch BME280: temperature, humidity and pressure of the air. Source: BST-BME280-DS002. */
export const bme280: Driver<Options> = {
  name: 'bme280',
  summary: 'Bosch BME280 on I²C: temperature, humidity and pressure of the air',
  options: optionsSchema,
  metrics: ({ oversampling }) => [
    ...metricsOf(oversampling),
    { name: 'humidity', range: [0, 100], resolution: 0.008, accuracy: { absolute: 3 } },
  ],
  places: (options) => [chipPlace(options)],
  i2c: {
    addresses: ADDRESSES,
    isThere: async (device, signal) => (await identify(device, signal)) === CHIP_ID,
  },
  create: (options, context) =>
    new ForcedSensor(chip, context.ports.i2c(settingsOf(options)), context, options.oversampling),
};

function convert(data: Buffer, trimming: Bme280Trimming): Reading | undefined {
  const rawHumidity = data.readUInt16BE(HUMIDITY_OFFSET);
  const measured = pressureAndTemperature(data, trimming);
  if (measured === undefined || rawHumidity === 0 || rawHumidity === 0xffff) return undefined;
  const { reading, fine } = measured;
  // As with the pressure.
  if (reading.metrics.temperature === undefined)
    return { metrics: {}, missing: [...(reading.missing ?? []), 'humidity'] };
  return { ...reading, metrics: { ...reading.metrics, humidity: humidityOf(rawHumidity, fine, trimming.h) } };
}
