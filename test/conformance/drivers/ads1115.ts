import { ads1115 } from '../../../drivers/ads1115/ads1115.ts';
import { Ads1115Chip } from '../../../sim/chips/ads1115.ts';
import { i2cSubject } from '../driver-i2c.ts';

export const subject = i2cSubject({
  driver: ads1115,
  options: { channel: 1, metric: 'noise_level' },
  chip: (surroundings) => new Ads1115Chip(surroundings),
  // An LM75: its registers 2 and 3 hold temperatures.
  impostor: () => ({ address: 0x48, write: () => undefined, read: () => Uint8Array.of(0x4b, 0x00) }),
  truths: [{ input_1: 1.234 }, { input_1: 0 }, { input_1: 4.0958 }, { input_1: 0.000_125 }],
  expected: ({ input_1 = 0 }) => ({ noise_level: input_1 }),
  beyond: [{ input_1: 4.2 }, { input_1: -0.2 }],
  garbled: ['READING_DAMAGED'],
});
