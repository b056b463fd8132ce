import { sgp30 } from '../../../drivers/sgp30/sgp30.ts';
import { Sgp30Chip } from '../../../sim/chips/sgp30.ts';
import { i2cSubject } from '../driver-i2c.ts';
import { wrongChecksums } from '../sensirion.ts';

/** The index is worked out by hand from the levels: 0, 65, 220, 660, 2200 and 5500 ppb are 0, 100, 200, 300, 400 and 500. */
export const subject = i2cSubject({
  driver: sgp30,
  chip: (surroundings) => new Sgp30Chip(surroundings),
  impostor: (surroundings) => new Sgp30Chip({ ...surroundings, featureSet: 0x1020 }),
  truths: [
    { tvoc: 143, eco2: 612, air_quality: 150.323 },
    { tvoc: 0, eco2: 400, air_quality: 0 },
    { tvoc: 65, eco2: 400, air_quality: 100 },
    { tvoc: 660, eco2: 1479, air_quality: 300 },
    { tvoc: 3850, eco2: 5144, air_quality: 450 },
    { tvoc: 60_000, eco2: 60_000, air_quality: 500 },
  ],
  // Steps grow with the value.
  tolerances: { tvoc: 16, eco2: 16 },
  // Not its own second, so that no observation ends inside a measurement.
  periodMs: 1100,
  // It warms up for 15 s.
  lag: 16,
  garbled: ['missing', 'READING_DAMAGED'],
  faults: [wrongChecksums('missing', 'READING_DAMAGED')],
});
