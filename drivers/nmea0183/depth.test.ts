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

describe('depth', () => {
  test('DBT is in metres, from feet or fathoms only where those are empty', () => {
    expect(read('$SDDBT,7.8,f,2.4,M,1.3,F*0D')).toEqual({ metrics: { depth: 2.4 } });
    expect(read('SDDBT,10,f,,M,,F')?.metrics.depth).toBeCloseTo(3.048, 12);
    expect(read('SDDBT,,f,,M,5,F')?.metrics.depth).toBeCloseTo(9.144, 12);
    expect(read('SDDBT,,f,,M,,F')).toBeUndefined();
    expect(read('SDDBT,,f,0.0,M,,F')).toEqual({ metrics: { depth: 0 } });
    expect(read('SDDBT,,f,-1.0,M,,F')).toBeUndefined();
  });

  test('DPT is below the transducer, whatever its offset', () => {
    expect(read('$SDDPT,10.1,-1.5,*62')).toEqual({ metrics: { depth: 10.1 } });
    expect(read('$SDDPT,14.39,0.00*68')).toEqual({ metrics: { depth: 14.39 } });
  });

  test('DBS and DBK are brought to the transducer by what the options say', () => {
    expect(read('$SDDBS,177.9,f,54.21,M,29.6,F*36')).toEqual({ metrics: { depth: 54.21 } });
    listener = new NmeaListener({ transducer_depth: 0.6, transducer_above_keel: 1.2 });
    expect(read('$SDDBS,177.9,f,54.21,M,29.6,F*36')?.metrics.depth).toBeCloseTo(53.61, 12);
    listener = new NmeaListener({ transducer_depth: 0.6, transducer_above_keel: 1.2 });
    expect(read('$IIDBK,29.2,f,8.90,M,4.9,F*0B')?.metrics.depth).toBeCloseTo(10.1, 12);
    expect(read('SDDBS,,f,0.5,M,,F'), 'a surface below the transducer').toBeUndefined();
  });
});
