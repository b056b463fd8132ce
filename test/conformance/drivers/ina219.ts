import { ina219 } from '../../../drivers/ina219/ina219.ts';
import { Ina219Chip } from '../../../sim/chips/ina219.ts';
import { i2cSubject } from '../driver-i2c.ts';

export const subject = i2cSubject({
  driver: ina219,
  chip: (surroundings) => new Ina219Chip(surroundings),
  // What every register of an INA226 gives that was not set up.
  impostor: () => ({ address: 0x40, write: () => undefined, read: () => Uint8Array.of(0x41, 0x27) }),
  truths: [
    { battery_voltage: 12.6, battery_current: 0.42 },
    { battery_voltage: 0, battery_current: -3.1999 },
    { battery_voltage: 31.996, battery_current: 3.1999 },
    { battery_voltage: 3.3, battery_current: -0.0001 },
  ],
  beyond: [
    { battery_voltage: 33, battery_current: 1 },
    { battery_voltage: 12, battery_current: 3.3 },
    { battery_voltage: 12, battery_current: -3.3 },
  ],
  // It has no checksum; in every answer the bit makes a chip that does not look as it was set up.
  garbled: ['SENSOR_UNKNOWN'],
});
