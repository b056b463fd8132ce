import { beforeEach, describe, expect, test } from 'vitest';
import { NmeaListener } from '../../test/nmea-listener.ts';
import type { Reading } from '../driver.ts';
import { HOLD_MS } from './preference.ts';

/*
 * Sentences in full, with their checksums, are public examples: from "NMEA Revealed" (gpsd), the manuals of Airmar,
 * u-blox and LCJ Capteurs, the tests of Signal K's parser and of dotnet/iot. The others are made up here.
 */

let listener: NmeaListener;
const read = (line: string): Reading | undefined => listener.read(line);

beforeEach(() => {
  listener = new NmeaListener();
});

describe('time', () => {
  const RMC = '$GPRMC,115613.000,A,4729.49750,N,00930.39830,E,1.600,36.200,240520,1.900,E,D*34';
  const ZDA = '$GPZDA,135302.036,02,02,2020,+01,00*7F';

  test('a dated RMC with a fix gives UTC, its year of this century or, from 80 on, of the last', () => {
    expect(read(RMC)?.utcMs).toBe(Date.UTC(2020, 4, 24, 11, 56, 13));
    expect(read('$GPRMC,123519,A,4807.038,N,01131.000,E,022.4,084.4,230394,003.1,W*6A')?.utcMs).toBe(
      Date.UTC(1994, 2, 23, 12, 35, 19),
    );
  });

  test('a dated ZDA gives UTC only while a receiver says that it has a fix', () => {
    expect(read(ZDA)).toBeUndefined();
    read(RMC);
    expect(read(ZDA)).toEqual({ metrics: {}, utcMs: Date.UTC(2020, 1, 2, 13, 53, 2, 36) });
    read('GPRMC,,V,,,,,,,,,,N');
    expect(read(ZDA)).toBeUndefined();
  });

  test('a fix that was last heard of long ago dates no ZDA', async () => {
    read(RMC);
    await listener.clock.advance(HOLD_MS);
    expect(read(ZDA)).toBeUndefined();
  });

  test.each([
    'GPZDA,095559,,,,00,',
    'GPZDA,201530.00,04,07,,00,00',
    'GPZDA,,04,07,2002,00,00',
    'GPZDA,201530.00,31,06,2002,,',
  ])('%s, without a whole date, gives no time even with a fix', (line) => {
    read(RMC);
    expect(read(line)).toBeUndefined();
  });

  test('an RMC with a date that does not exist gives its values and no time', () => {
    const reading = read('GPRMC,115613.000,A,4729.49750,N,00930.39830,E,1.600,36.200,320520,,,D');
    expect(reading?.location).toBeDefined();
    expect(reading?.utcMs).toBeUndefined();
  });
});
