import type { AnyDriver } from './driver.ts';
import { nmea0183 } from './nmea0183/nmea0183.ts';
import { sim } from './sim/sim.ts';

/** Every driver, explicitly: a driver that is not here does not exist. */
export const DRIVERS: readonly AnyDriver[] = [nmea0183, sim];
