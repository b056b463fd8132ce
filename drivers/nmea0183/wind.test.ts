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

describe('wind', () => {
  test('MWV relative is the apparent wind, its angle from the bow clockwise', () => {
    expect(read('$IIMWV,338,R,13.41,N,A*2C')?.metrics).toEqual({
      apparent_wind_angle: 338,
      apparent_wind_speed: (13.41 * 1852) / 3600,
    });
    expect(read('$WIMWV,214.8,R,0.1,K,A*28')?.metrics).toEqual({
      apparent_wind_angle: 214.8,
      apparent_wind_speed: 100 / 3600,
    });
  });

  test('MWV theoretical is the true wind: its speed, and no direction', () => {
    expect(read('$WIMWV,220.0,T,5.0,N,A*20')).toEqual({ metrics: { wind_speed: (5 * 1852) / 3600 } });
  });

  test('MWV with status V is missing, whatever its fields hold', () => {
    expect(read('WIMWV,214.8,R,0.1,K,V')).toEqual({
      metrics: {},
      missing: ['apparent_wind_angle', 'apparent_wind_speed'],
    });
    expect(read('WIMWV,,T,,N,V')).toEqual({ metrics: {}, missing: ['wind_speed'] });
    expect(read('WIMWV,220.0,T,5.0,N,')).toEqual({ metrics: {}, missing: ['wind_speed'] });
  });

  test('MWV with empty fields says nothing of them, and a calm is a value', () => {
    expect(read('WIMWV,,R,3.0,M,A')).toEqual({ metrics: { apparent_wind_speed: 3 } });
    expect(read('WIMWV,0.0,R,0.0,M,A')).toEqual({ metrics: { apparent_wind_angle: 0, apparent_wind_speed: 0 } });
    expect(read('WIMWV,,R,,M,A')).toBeUndefined();
    expect(read('WIMWV,120,,3.0,M,A')).toBeUndefined();
  });

  test('MWD is wind direction and speed, with metres per second before knots', () => {
    expect(read('WIMWD,302.5,T,301.7,M,6.4,N,3.3,M')?.metrics).toEqual({ wind_direction: 302.5, wind_speed: 3.3 });
    expect(read('WIMWD,302.5,T,,,6.4,N,,')?.metrics.wind_speed).toBe((6.4 * 1852) / 3600);
  });

  test('MWD without a direction gives none, neither as a value nor as missing', () => {
    expect(read('$IIMWD,,,,,08.16,N,04.20,M*54')).toEqual({ metrics: { wind_speed: 4.2 } });
    expect(read('IIMWD,,T,301.7,M,,N,,M')).toBeUndefined();
  });

  test('VWR counts from the bow to port or starboard', () => {
    expect(read('$IIVWR,75,R,1.0,N,0.51,M,1.85,K*6C')?.metrics).toEqual({
      apparent_wind_angle: 75,
      apparent_wind_speed: 0.51,
    });
    expect(read('$IIVWR,045.0,L,12.6,N,6.5,M,23.3,K*52')?.metrics).toEqual({
      apparent_wind_angle: 315,
      apparent_wind_speed: 6.5,
    });
    expect(read('IIVWR,0,L,,,,,36.0,K')?.metrics).toEqual({ apparent_wind_angle: 0, apparent_wind_speed: 10 });
    expect(read('IIVWR,181,R,,N,,M,,K')).toBeUndefined();
    expect(read('IIVWR,20,,,N,,M,,K')).toBeUndefined();
  });

  test('VWT gives the true wind speed where no MWV does', () => {
    expect(read('$IIVWT,75,R,1.0,N,0.51,M,1.85,K*6A')).toEqual({ metrics: { wind_speed: 0.51 } });
  });
});
