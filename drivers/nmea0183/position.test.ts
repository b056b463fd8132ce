import { beforeEach, describe, expect, test } from 'vitest';
import { NmeaListener } from '../../test/nmea-listener.ts';
import type { Reading } from '../driver.ts';

/*
 * Sentences in full, with their checksums, are public examples: from "NMEA Revealed" (gpsd), the manuals of Airmar,
 * u-blox and LCJ Capteurs, the tests of Signal K's parser and of dotnet/iot. The others are made up here.
 */

let listener: NmeaListener;
const read = (line: string): Reading | undefined => listener.read(line);

beforeEach(() => {
  listener = new NmeaListener();
});

describe('position', () => {
  test('GGA gives it with its height, and how good the fix is', () => {
    expect(read('$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47')).toEqual({
      metrics: { gnss_fix: 1, satellites: 8, hdop: 0.9 },
      location: { lat: 48.1173, lon: 11.5166667, alt: 545.4 },
    });
    expect(read('$GNGGA,001043.00,4404.14036,N,12118.85961,W,1,12,0.98,1113.0,M,-21.3,M,,*47')).toEqual({
      metrics: { gnss_fix: 1, satellites: 12, hdop: 0.98 },
      location: { lat: 44.069006, lon: -121.3143268, alt: 1113 },
    });
  });

  test('GGA without a fix says so, and gives no position', () => {
    expect(read('$GPGGA,,,,,,0,,,,,,,,*66')).toEqual({ metrics: { gnss_fix: 0 } });
    expect(read('GPGGA,123519,4807.038,N,01131.000,E,0,00,99.9,545.4,M,46.9,M,,')).toEqual({
      metrics: { gnss_fix: 0, satellites: 0, hdop: 99.9 },
    });
  });

  test.each([6, 7, 8])('GGA of quality %i is estimated, typed in or simulated: no position', (quality) => {
    expect(read(`GPGGA,123519,4807.038,N,01131.000,E,${quality},08,0.9,545.4,M,46.9,M,,`)).toEqual({
      metrics: { gnss_fix: quality, satellites: 8, hdop: 0.9 },
    });
  });

  test('GLL gives it, with or without mode or status, and not with status V or mode N', () => {
    const location = { lat: 49.2741667, lon: -123.1853333 };
    expect(read('$GPGLL,4916.45,N,12311.12,W,225444,A,*1D')).toEqual({ metrics: {}, location });
    expect(read('GPGLL,4916.45,N,12311.12,W,225444,A')).toEqual({ metrics: {}, location });
    expect(read('GPGLL,4916.45,N,12311.12,W')).toEqual({ metrics: {}, location });
    expect(read('GPGLL,4916.45,N,12311.12,W,225444,V,N')).toBeUndefined();
    expect(read('GPGLL,4916.45,N,12311.12,W,225444,A,E')).toBeUndefined();
    expect(read('GPGLL,,,,,225444,V,N')).toBeUndefined();
  });

  test('RMC gives it with speed, course and a date', () => {
    expect(read('$GPRMC,225446,A,4916.45,N,12311.12,W,000.5,054.7,191194,020.3,E*68')).toEqual({
      metrics: { course_over_ground: 54.7, speed_over_ground: (0.5 * 1852) / 3600 },
      location: { lat: 49.2741667, lon: -123.1853333 },
      utcMs: Date.UTC(1994, 10, 19, 22, 54, 46),
    });
  });

  test('RMC with status V is missing, and gives neither position nor date', () => {
    expect(read('$GPRMC,,V,,,,,,,,,,N*53')).toEqual({
      metrics: {},
      missing: ['course_over_ground', 'speed_over_ground'],
    });
    expect(read('GPRMC,225446,V,4916.45,N,12311.12,W,000.5,054.7,191194,020.3,E')).toEqual({
      metrics: {},
      missing: ['course_over_ground', 'speed_over_ground'],
    });
  });

  test('of GGA comes before that of RMC, and that of RMC before that of GLL', () => {
    const gll = 'GPGLL,1000.00,N,01000.00,E,225444,A,A';
    const rmc = 'GPRMC,225446,A,2000.00,N,02000.00,E,0.5,54.7,191124,,,A';
    const gga = 'GPGGA,225446,3000.00,N,03000.00,E,1,08,0.9,,M,,M,,';
    expect(read(gll)?.location?.lat).toBe(10);
    expect(read(rmc)?.location?.lat).toBe(20);
    expect(read(gll)).toBeUndefined();
    expect(read(gga)?.location).toEqual({ lat: 30, lon: 30 });
    expect(read(rmc)?.location).toBeUndefined();
    expect(read(rmc)?.metrics.speed_over_ground, 'its other values still count').toBeDefined();
  });
});
