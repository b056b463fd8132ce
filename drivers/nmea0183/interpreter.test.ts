import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { metricNamed } from '../../protocol/metrics.ts';
import { SteppedClock } from '../../sim/clock.ts';
import type { Reading } from '../driver.ts';
import { Interpreter } from './interpreter.ts';
import { nmea0183 } from './nmea0183.ts';
import { metricsOf, optionsSchema, settingsOf } from './options.ts';
import { HOLD_MS } from './preference.ts';
import { checksum } from './sentence.ts';

/*
 * Sentences in full, with their checksums, are public examples: from "NMEA Revealed" (gpsd), the manuals of Airmar,
 * u-blox and LCJ Capteurs, the tests of Signal K's parser and of dotnet/iot. The others are made up here and closed.
 */

let clock: SteppedClock;
let interpreter: Interpreter;

beforeEach(() => {
  clock = new SteppedClock();
  interpreter = withOptions({});
});

function withOptions(options: object): Interpreter {
  return new Interpreter(settingsOf(optionsSchema.parse({ port: '/dev/gps', ...options })), clock);
}

/** The reading of a sentence; the body alone gets its `$` and checksum. */
function read(line: string): Reading | undefined {
  const isWhole = line.startsWith('$');
  return interpreter.read(isWhole ? line : `$${line}*${checksum(line).toString(16).padStart(2, '0')}`).reading;
}

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

describe('speed, course and heading', () => {
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
    interpreter = withOptions({ transducer_depth: 0.6, transducer_above_keel: 1.2 });
    expect(read('$SDDBS,177.9,f,54.21,M,29.6,F*36')?.metrics.depth).toBeCloseTo(53.61, 12);
    interpreter = withOptions({ transducer_depth: 0.6, transducer_above_keel: 1.2 });
    expect(read('$IIDBK,29.2,f,8.90,M,4.9,F*0B')?.metrics.depth).toBeCloseTo(10.1, 12);
    expect(read('SDDBS,,f,0.5,M,,F'), 'a surface below the transducer').toBeUndefined();
  });
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
    interpreter = withOptions({ xdr: ['temperature', 'pressure', 'humidity'] });
    expect(read(SEVERAL)).toEqual({ metrics: { water_temperature: 18.2, temperature: 28.69, pressure: 1014 } });
    expect(read('$IIXDR,P,1.02481,B,Barometer*29')?.metrics.pressure).toBeCloseTo(1024.81, 9);
    expect(read('$IIXDR,C,19.52,C,TempAir*19')).toEqual({ metrics: { temperature: 19.52 } });
    expect(read('WIXDR,H,43.4,P,Humidity')).toEqual({ metrics: { humidity: 43.4 } });
  });

  test('XDR knows a transducer by the name that the options give it, or by none', () => {
    interpreter = withOptions({ xdr: ['temperature', 'pressure'], xdr_names: { temperature: '', pressure: '0' } });
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
    interpreter = withOptions({ xdr: ['temperature', 'pressure'] });
    expect(read(line)).toBeUndefined();
  });
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
    await clock.advance(HOLD_MS);
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

describe('of several sentences with one metric', () => {
  const MWV = 'WIMWV,313,T,10.0,M,A';
  const VWT = 'WIVWT,47,L,,N,7.0,M,,K';
  const MWD = 'WIMWD,,T,,M,,N,5.0,M';

  test('the preferred one counts as soon as it is heard, and until it was silent for ten seconds', async () => {
    expect(read(MWD)?.metrics).toEqual({ wind_speed: 5 });
    expect(read(VWT)?.metrics).toEqual({ wind_speed: 7 });
    expect(read(MWD)).toBeUndefined();
    expect(read(MWV)?.metrics).toEqual({ wind_speed: 10 });
    await clock.advance(HOLD_MS - 1);
    expect(read(VWT)).toBeUndefined();
    await clock.advance(1);
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

describe('options', () => {
  test('name the metrics that are taken: all of NMEA, those in `only`, and those in `xdr` beside', () => {
    const base = { port: '/dev/gps' };
    expect(metricsOf(optionsSchema.parse(base))).not.toContain('temperature');
    expect(metricsOf(optionsSchema.parse({ ...base, only: ['depth'] }))).toEqual(['depth']);
    expect(metricsOf(optionsSchema.parse({ ...base, only: ['depth'], xdr: ['pressure'] }))).toEqual([
      'depth',
      'pressure',
    ]);
    interpreter = withOptions({ only: ['depth'] });
    expect(read('$IIMTW,17.5,C*10')).toBeUndefined();
    expect(read('$SDDBT,7.8,f,2.4,M,1.3,F*0D')?.metrics).toEqual({ depth: 2.4 });
  });

  test('have the speed of the standard unless told otherwise, and refuse what no line has', () => {
    expect(optionsSchema.parse({ port: '/dev/gps' })).toMatchObject({ baud: 4800, silence: 30_000 });
    for (const wrong of [
      { baud: 4801 },
      { bauds: 4800 },
      { only: ['noise_level'] },
      { silence: '10ms' },
      { xdr: ['depth'] },
    ]) {
      expect(optionsSchema.safeParse({ port: '/dev/gps', ...wrong }).success, JSON.stringify(wrong)).toBe(false);
    }
  });

  test('every metric that may come is one of the registry', () => {
    const options = optionsSchema.parse({
      port: '/dev/gps',
      xdr: ['temperature', 'dew_point', 'humidity', 'pressure'],
    });
    for (const { name } of nmea0183.metrics(options)) expect(metricNamed(name), name).toBeDefined();
  });
});

test('lines are counted by what they were', () => {
  for (const line of [
    '$IIHDT,,T*0C',
    '$IIHDT,,T*0D',
    'noise',
    '!AIVDM,1,1,,A,14eG;o@034o8sd<L9i:a;WF>062D,0*7D',
    '$IIXXX*53',
  ]) {
    interpreter.read(line);
  }
  expect(interpreter.counts).toEqual({ sentence: 1, checksum: 2, malformed: 1, other: 1 });
});

describe('whatever a line holds', () => {
  const FORMATTERS = 'DBK DBS DBT DPT GGA GLL HDG HDM HDT MTW MWD MWV RMC VHW VTG VWR VWT XDR ZDA constructor'.split(
    ' ',
  );
  const field = fc.oneof(
    fc.constantFrom(
      '',
      'A',
      'V',
      'N',
      'T',
      'R',
      'L',
      'M',
      'K',
      'E',
      'W',
      'S',
      'f',
      'F',
      'C',
      'P',
      'B',
      'H',
      '0',
      '-0',
      '360',
    ),
    fc.double({ min: -1e4, max: 1e4, noNaN: true }).map((value) => value.toFixed(2)),
    fc.constantFrom('123519', '230394', '4807.038', '01131.000', '1e5', '99999999999', 'TempAir', '0.0000001'),
    fc.string({ maxLength: 8 }),
  );
  const sentence = fc
    .tuple(fc.constantFrom(...FORMATTERS), fc.array(field, { maxLength: 16 }))
    .map(([formatter, fields]) => {
      const body = `GP${formatter},${fields.join(',')}`.replace(/[^\x20-\x7e]|[$!*]/g, '');
      return `$${body}*${checksum(body).toString(16).padStart(2, '0')}`;
    });
  const noise = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString('latin1'));

  test('it never throws, and gives only finite values of metrics within what an instrument can mean', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(sentence, noise), { maxLength: 20 }), (lines) => {
        const reader = withOptions({ xdr: ['temperature', 'dew_point', 'humidity', 'pressure'] });
        for (const line of lines) checkReading(reader.read(line).reading);
      }),
      { numRuns: 2000 },
    );
  });
});

function checkReading(reading: Reading | undefined): void {
  if (reading === undefined) return;
  for (const [name, value] of Object.entries(reading.metrics)) {
    expect(metricNamed(name), name).toBeDefined();
    expect(Number.isFinite(value) && !Object.is(value, -0), `${name} = ${String(value)}`).toBe(true);
    if (/direction|angle|heading|course/.test(name))
      expect(Number(value) >= 0 && Number(value) <= 360, `${name} = ${value}`).toBe(true);
    if (/speed|depth|hdop|satellites/.test(name)) expect(Number(value) >= 0, `${name} = ${value}`).toBe(true);
    expect(reading.missing ?? []).not.toContain(name);
  }
  if (reading.location !== undefined) {
    expect(Math.abs(reading.location.lat)).toBeLessThanOrEqual(90);
    expect(Math.abs(reading.location.lon)).toBeLessThanOrEqual(180);
  }
  if (reading.utcMs !== undefined) expect(Number.isSafeInteger(reading.utcMs)).toBe(true);
  const said = Object.keys(reading.metrics).length + (reading.missing?.length ?? 0);
  expect(said > 0 || reading.location !== undefined || reading.utcMs !== undefined).toBe(true);
}
