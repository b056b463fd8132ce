import { beforeEach, describe, expect, test } from 'vitest';
import { metricNamed } from '../../protocol/metrics.ts';
import { NmeaListener } from '../../test/nmea-listener.ts';
import type { Reading } from '../driver.ts';
import { nmea0183 } from './nmea0183.ts';
import { metricsOf, optionsSchema } from './options.ts';

let listener: NmeaListener;
const read = (line: string): Reading | undefined => listener.read(line);

beforeEach(() => {
  listener = new NmeaListener();
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
    listener = new NmeaListener({ only: ['depth'] });
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
