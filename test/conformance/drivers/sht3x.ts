import { sht3x } from '../../../drivers/sht3x/sht3x.ts';
import { Sht3xChip } from '../../../sim/chips/sht3x.ts';
import { i2cSubject } from '../driver-i2c.ts';
import { wrongChecksums } from '../sensirion.ts';

export const subject = i2cSubject({
  driver: sht3x,
  chip: (surroundings) => new Sht3xChip(surroundings),
  // An INA219, which can have this address too: registers that it does not have are 0, without checksums.
  impostor: () => ({ address: 0x44, write: () => undefined, read: (length) => new Uint8Array(length) }),
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
