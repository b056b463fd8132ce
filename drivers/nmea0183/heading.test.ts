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

describe('heading', () => {
  test('HDT is the true heading, HDM the magnetic one', () => {
    expect(read('$GPHDT,274.07,T*03')).toEqual({ metrics: { heading: 274.07 } });
    expect(read('$HCHDM,238.5,M*25')).toEqual({ metrics: { heading_magnetic: 238.5 } });
    expect(read('GPHDT,274.07,M')).toBeUndefined();
  });

  test('HDG adds deviation and variation, east positive', () => {
    expect(read('$HCHDG,98.3,0.0,E,12.6,W*57')).toEqual({
      metrics: { heading_magnetic: 98.3, heading: 98.3 - 12.6 },
    });
    expect(read('HCHDG,355.0,4.0,E,3.0,E')?.metrics).toEqual({ heading_magnetic: 359, heading: 2 });
    expect(read('HCHDG,2.0,4.0,W,3.0,W')?.metrics).toEqual({ heading_magnetic: 358, heading: 355 });
  });

  test('HDG without a variation gives the magnetic heading only', () => {
    expect(read('HCHDG,101.1,,,,')).toEqual({ metrics: { heading_magnetic: 101.1 } });
  });

  test.each(['$IIHDT,,T*0C', '$IIHDM,,M*0C', 'HCHDG,,,,7.1,W', 'IIVHW,,T,,M,,N,,K'])(
    '%s, empty, gives no heading, neither as a value nor as missing',
    (line) => {
      expect(read(line)).toBeUndefined();
    },
  );
});
