import { bme280 } from '../../../drivers/bme280/bme280.ts';
import { Bme280Chip } from '../../../sim/chips/bme280.ts';
import { Bmp280Chip } from '../../../sim/chips/bmp280.ts';
import { i2cSubject } from '../driver-i2c.ts';

export const subject = i2cSubject({
  driver: bme280,
  chip: (surroundings) => new Bme280Chip(surroundings),
  impostor: (surroundings) => new Bmp280Chip(surroundings),
  truths: [
    { temperature: 21.5, humidity: 43.2, pressure: 987.6 },
    { temperature: -39.99, humidity: 0, pressure: 300.1 },
    { temperature: 84.99, humidity: 100, pressure: 1099.9 },
    { temperature: 0, humidity: 99.9, pressure: 1013.25 },
    { temperature: 45, humidity: 12, pressure: 700 },
  ],
  beyond: [
    { temperature: -45, humidity: 43.2, pressure: 1000 },
    { temperature: 90, humidity: 43.2, pressure: 1000 },
    { temperature: 20, humidity: 43.2, pressure: 250 },
  ],
  // Without a checksum a wrong bit is a wrong value.
  garbled: ['unnoticed', 'missing', 'right'],
});
