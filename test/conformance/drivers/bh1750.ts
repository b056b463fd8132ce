import { bh1750 } from '../../../drivers/bh1750/bh1750.ts';
import { Bh1750Chip } from '../../../sim/chips/bh1750.ts';
import { i2cSubject } from '../driver-i2c.ts';

export const subject = i2cSubject({
  driver: bh1750,
  chip: (surroundings) => new Bh1750Chip(surroundings),
  truths: [
    { illuminance: 320 },
    { illuminance: 0 },
    { illuminance: 0.12 },
    { illuminance: 7400 },
    { illuminance: 20_000 },
    { illuminance: 54_620 },
    { illuminance: 121_500 },
  ],
  beyond: [{ illuminance: 130_000 }],
  // Half a step of the range for the most light.
  tolerances: { illuminance: 0.93 },
  // The range follows the light with the next sample.
  lag: 1,
  // Nothing on the wire tells a wrong bit; turned in darkness it is light that another look does not see.
  garbled: ['unnoticed'],
});
