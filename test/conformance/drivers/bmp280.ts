import { bmp280 } from '../../../drivers/bmp280/bmp280.ts';
import { Bme280Chip } from '../../../sim/chips/bme280.ts';
import { Bmp280Chip } from '../../../sim/chips/bmp280.ts';
import { i2cSubject } from '../driver-i2c.ts';

export const subject = i2cSubject({
  driver: bmp280,
  chip: (surroundings) => new Bmp280Chip(surroundings),
  impostor: (surroundings) => new Bme280Chip(surroundings),
  truths: [
    { temperature: 21.5, pressure: 987.6, humidity: 40 },
    { temperature: -39.99, pressure: 300.1, humidity: 40 },
    { temperature: 84.99, pressure: 1099.9, humidity: 40 },
    { temperature: 0, pressure: 1013.25, humidity: 40 },
  ],
  beyond: [
    { temperature: -45, pressure: 1000, humidity: 40 },
    { temperature: 90, pressure: 1000, humidity: 40 },
    { temperature: 20, pressure: 250, humidity: 40 },
  ],
  // Without a checksum a wrong bit is a wrong value.
  garbled: ['unnoticed', 'missing', 'right'],
});
