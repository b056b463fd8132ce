import { sht4x } from '../../../drivers/sht4x/sht4x.ts';
import { Sht3xChip } from '../../../sim/chips/sht3x.ts';
import { Sht4xChip } from '../../../sim/chips/sht4x.ts';
import { i2cSubject } from '../driver-i2c.ts';
import { wrongChecksums } from '../sensirion.ts';

export const subject = i2cSubject({
  driver: sht4x,
  chip: (surroundings) => new Sht4xChip(surroundings),
  impostor: (surroundings) => new Sht3xChip(surroundings),
  truths: [
    { temperature: 21.5, humidity: 43.2 },
    { temperature: -39.99, humidity: 0 },
    { temperature: 124.99, humidity: 100 },
    { temperature: 0, humidity: 99.9 },
  ],
  beyond: [
    { temperature: -44, humidity: 43.2 },
    { temperature: 129, humidity: 43.2 },
  ],
  garbled: ['READING_DAMAGED'],
  faults: [wrongChecksums('READING_DAMAGED')],
});
