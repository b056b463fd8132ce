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

describe('temperatures and transducers', () => {
  test('MTW is the water temperature, below zero too', () => {
    expect(read('$IIMTW,17.5,C*10')).toEqual({ metrics: { water_temperature: 17.5 } });
    expect(read('IIMTW,-1.2,C')).toEqual({ metrics: { water_temperature: -1.2 } });
    expect(read('IIMTW,63.5,F')).toBeUndefined();
    expect(read('IIMTW,,C')).toBeUndefined();
  });

  const SEVERAL = '$IIXDR,C,18.20,C,ENV_WATER_T,C,28.69,C,ENV_OUTAIR_T,P,101400,P,ENV_ATMOS_P*4C';

  test('XDR gives the water temperature, and nothing else unless it is asked for', () => {
    expect(read(SEVERAL)).toEqual({ metrics: { water_temperature: 18.2 } });
    expect(read('$IIXDR,P,1.02481,B,Barometer*29')).toBeUndefined();
  });

  test('XDR gives what is asked for, by the names in use, in whatever letters', () => {
    listener = new NmeaListener({ xdr: ['temperature', 'pressure', 'humidity'] });
    expect(read(SEVERAL)).toEqual({ metrics: { water_temperature: 18.2, temperature: 28.69, pressure: 1014 } });
    expect(read('$IIXDR,P,1.02481,B,Barometer*29')?.metrics.pressure).toBeCloseTo(1024.81, 9);
    expect(read('$IIXDR,C,19.52,C,TempAir*19')).toEqual({ metrics: { temperature: 19.52 } });
    expect(read('WIXDR,H,43.4,P,Humidity')).toEqual({ metrics: { humidity: 43.4 } });
  });

  test('XDR knows a transducer by the name that the options give it, or by none', () => {
    listener = new NmeaListener({ xdr: ['temperature', 'pressure'], xdr_names: { temperature: '', pressure: '0' } });
    expect(read('$WIXDR,C,018.0,C,,*5B')).toEqual({ metrics: { temperature: 18 } });
    expect(read('WIXDR,C,23.3,C,0,H,50.1,P,0,P,1009.5,H,0')).toEqual({ metrics: { pressure: 1009.5 } });
  });

  test.each([
    'WIXDR,C,,C,TempAir',
    'WIXDR,C,66.1,F,TempAir',
    'WIXDR,A,12.0,D,TempAir',
    'WIXDR,C,20.1,C',
    'WIXDR,P,-1,B,Baro',
  ])('%s gives nothing', (line) => {
    listener = new NmeaListener({ xdr: ['temperature', 'pressure'] });
    expect(read(line)).toBeUndefined();
  });
});
