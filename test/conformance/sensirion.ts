import type { SensirionChip } from '../../sim/chips/sensirion.ts';
import type { DriverFault, Outcome } from './driver.ts';
import type { I2cWorld } from './driver-i2c.ts';

/** A chip of Sensirion's whose every answer has a wrong checksum. */
export function wrongChecksums(...atSample: readonly Outcome[]): DriverFault<I2cWorld<SensirionChip>> {
  return {
    name: 'checksums that are wrong',
    begin: ({ chip }) => {
      chip.hasBadCrc = true;
    },
    end: ({ chip }) => {
      chip.hasBadCrc = false;
    },
    atOpen: ['SENSOR_UNKNOWN'],
    atSample,
  };
}
