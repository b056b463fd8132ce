import { scd4x } from '../../../drivers/scd4x/scd4x.ts';
import { Scd4xChip } from '../../../sim/chips/scd4x.ts';
import { i2cSubject } from '../driver-i2c.ts';
import { wrongChecksums } from '../sensirion.ts';

export const subject = i2cSubject({
  driver: scd4x,
  chip: (surroundings) => new Scd4xChip(surroundings),
  impostor: (surroundings) => new Scd4xChip({ ...surroundings, variant: 0x7000 }),
  truths: [
    { co2: 640, temperature: 21.5, humidity: 43.2 },
    { co2: 1, temperature: -9.99, humidity: 0 },
    { co2: 40_000, temperature: 59.99, humidity: 99.9 },
  ],
  beyond: [
    { co2: 0, temperature: 20, humidity: 40 },
    { co2: 45_000, temperature: 20, humidity: 40 },
    { co2: 600, temperature: -12, humidity: 40 },
    { co2: 600, temperature: 61, humidity: 40 },
  ],
  // Longer than its own five seconds, so that each sample finds something new.
  periodMs: 5100,
  lag: 1,
  garbled: ['READING_DAMAGED'],
  faults: [wrongChecksums('READING_DAMAGED')],
});
