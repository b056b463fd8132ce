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

describe('speed and course', () => {
  test('VTG is course and speed over ground, knots before km/h', () => {
    expect(read('$GPVTG,054.7,T,034.4,M,005.5,N,010.2,K*48')?.metrics).toEqual({
      course_over_ground: 54.7,
      speed_over_ground: (5.5 * 1852) / 3600,
    });
    expect(read('GPVTG,,T,,M,,N,36.0,K,A')?.metrics).toEqual({ speed_over_ground: 10 });
    expect(read('$YDVTG,124.0,T,121.2,M,0.0,N,0.0,K,A*2E')?.metrics).toEqual({
      course_over_ground: 124,
      speed_over_ground: 0,
    });
  });

  test('VTG of mode N is missing', () => {
    expect(read('GPVTG,,T,,M,,N,,K,N')?.missing).toEqual(['course_over_ground', 'speed_over_ground']);
  });

  test('VHW is speed through water, and what it knows of the heading', () => {
    expect(read('$YDVHW,,T,,M,3.1,N,5.7,K,*64')).toEqual({ metrics: { speed_through_water: (3.1 * 1852) / 3600 } });
    expect(read('$VWVHW,245.1,T,245.1,M,000.01,N,000.01,K*54')?.metrics).toEqual({
      heading: 245.1,
      heading_magnetic: 245.1,
      speed_through_water: (0.01 * 1852) / 3600,
    });
  });
});
