import { ads1115 } from './ads1115/ads1115.ts';
import { bh1750 } from './bh1750/bh1750.ts';
import { bme280 } from './bme280/bme280.ts';
import { bmp280 } from './bmp280/bmp280.ts';
import type { AnyDriver } from './driver.ts';
import { ds18b20 } from './ds18b20/ds18b20.ts';
import { ina219 } from './ina219/ina219.ts';
import { mcp9808 } from './mcp9808/mcp9808.ts';
import { modbus } from './modbus/modbus.ts';
import { nmea0183 } from './nmea0183/nmea0183.ts';
import { pms5003 } from './pms5003/pms5003.ts';
import { pulseCounter } from './pulse-counter/pulse-counter.ts';
import { replay } from './replay/replay.ts';
import { scd4x } from './scd4x/scd4x.ts';
import { sds011 } from './sds011/sds011.ts';
import { serialLines } from './serial-lines/serial-lines.ts';
import { sgp30 } from './sgp30/sgp30.ts';
import { sht3x } from './sht3x/sht3x.ts';
import { sht4x } from './sht4x/sht4x.ts';
import { sim } from './sim/sim.ts';
import { system } from './system/system.ts';

/** Every driver, explicitly: a driver that is not here does not exist. */
export const DRIVERS: readonly AnyDriver[] = [
  ads1115,
  bh1750,
  bme280,
  bmp280,
  ds18b20,
  ina219,
  mcp9808,
  modbus,
  nmea0183,
  pms5003,
  pulseCounter,
  replay,
  scd4x,
  sds011,
  serialLines,
  sgp30,
  sht3x,
  sht4x,
  sim,
  system,
];
