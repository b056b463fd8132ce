import { beforeEach, describe, expect, test } from 'vitest';
import { NmeaListener } from '../../test/nmea-listener.ts';
import type { Reading } from '../driver.ts';
import { HOLD_MS } from './preference.ts';

let listener: NmeaListener;
const read = (line: string): Reading | undefined => listener.read(line);

beforeEach(() => {
  listener = new NmeaListener();
});

describe('of several sentences with one metric', () => {
  const MWV = 'WIMWV,313,T,10.0,M,A';
  const VWT = 'WIVWT,47,L,,N,7.0,M,,K';
  const MWD = 'WIMWD,,T,,M,,N,5.0,M';

  test('the preferred one counts as soon as it is heard, and until it was silent for ten seconds', async () => {
    expect(read(MWD)?.metrics).toEqual({ wind_speed: 5 });
    expect(read(VWT)?.metrics).toEqual({ wind_speed: 7 });
    expect(read(MWD)).toBeUndefined();
    expect(read(MWV)?.metrics).toEqual({ wind_speed: 10 });
    await listener.clock.advance(HOLD_MS - 1);
    expect(read(VWT)).toBeUndefined();
    await listener.clock.advance(1);
    expect(read(VWT)?.metrics).toEqual({ wind_speed: 7 });
    expect(read(MWD)).toBeUndefined();
  });

  test('an empty or invalid preferred one does not keep the others out', async () => {
    read('WIMWV,,T,,M,A');
    read('WIMWV,,T,,M,V');
    expect(read(VWT)?.metrics).toEqual({ wind_speed: 7 });
  });

  test('an invalid one is missing only where no other speaks in its place', async () => {
    expect(read('WIMWV,,T,,M,V')?.missing).toEqual(['wind_speed']);
    read(VWT);
    expect(read('WIMWV,,T,,M,V'), 'VWT gives the value').toBeUndefined();
    read(MWV);
    expect(read('WIMWV,,T,,M,V')?.missing, 'it was in charge itself').toEqual(['wind_speed']);
    expect(read('GPVTG,,T,,M,,N,,K,N')?.missing).toEqual(['course_over_ground', 'speed_over_ground']);
    read('GPRMC,225446,A,2000.00,N,02000.00,E,0.5,54.7,191124,,,A');
    expect(read('GPVTG,,T,,M,,N,,K,N'), 'RMC is in charge').toBeUndefined();
  });

  test.each([
    ['depth', ['SDDPT,4.0,0.0', 'SDDBT,,f,3.0,M,,F', 'SDDBS,,f,2.0,M,,F', 'SDDBK,,f,1.0,M,,F']],
    ['heading', ['HEHDT,3.0,T', 'HCHDG,2.0,,,0.0,E', 'VWVHW,1.0,T,,M,,N,,K']],
    ['heading_magnetic', ['HCHDG,3.0,,,,', 'HCHDM,2.0,M', 'VWVHW,,T,1.0,M,,N,,K']],
    ['speed_over_ground', ['GPRMC,,A,,,,,2.0,,,,,A', 'GPVTG,,T,,M,1.0,N,,K,A']],
    ['course_over_ground', ['GPRMC,,A,,,,,,2.0,,,,A', 'GPVTG,1.0,T,,M,,N,,K,A']],
    ['apparent_wind_speed', ['WIMWV,,R,2.0,M,A', 'WIVWR,,,,,1.0,M,,']],
    ['water_temperature', ['IIMTW,2.0,C', 'IIXDR,C,1.0,C,ENV_WATER_T']],
  ])('the order of %s holds', (metric, ranked) => {
    for (const line of ranked.toReversed()) expect(read(line)?.metrics[metric], line).toBeDefined();
    for (const line of ranked.slice(1)) expect(read(line)?.metrics[metric], line).toBeUndefined();
    expect(read(ranked[0] as string)?.metrics[metric]).toBeDefined();
  });
});
