import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { AnyDriver } from '../../drivers/driver.ts';
import type { Log } from '../../runtime/log.ts';
import { silentLog } from '../../runtime/log.ts';
import { Intake } from './intake.ts';
import { MetricTable } from './metric-table.ts';

const NOW = Date.UTC(2026, 0, 1);

const driver: AnyDriver = {
  name: 'weather',
  summary: 'a test',
  options: z.strictObject({}),
  metrics: () => [{ name: 'temperature' }, { name: 'humidity' }, { name: 'door_open' }],
  create: () => {
    throw new Error('is not created here');
  },
};

function intake(rename: Record<string, string> = {}, log: Log = silentLog): Intake {
  const settings = { driver, options: {}, everyMs: 1000, deadlineMs: 1000, staleMs: 10_000, rename };
  const extension = { name: 'housing_temperature', type: 'number', unit: '°C', resolution: 0.1 } as const;
  return new Intake(settings, new MetricTable([extension]), log);
}

/** Counts the lines of one level. */
function countingLog(): { log: Log; lines: object[] } {
  const lines: object[] = [];
  return { log: { ...silentLog, error: (fields: object) => void lines.push(fields) }, lines };
}

describe('a reading', () => {
  it('is rounded to the resolution of the metric, and keeps zero and false', () => {
    expect(intake().read({ metrics: { temperature: 21.23456, humidity: 0, door_open: false } }, NOW)).toEqual({
      metrics: { temperature: 21.23, humidity: 0, door_open: false },
      missing: [],
    });
  });

  it('goes under the names of the configuration, with the resolution of the new one, values and gaps alike', () => {
    const renamed = intake({ temperature: 'housing_temperature', humidity: 'housing_humidity' });
    expect(renamed.names).toEqual(['housing_temperature', 'housing_humidity', 'door_open']);
    expect(renamed.read({ metrics: { temperature: 21.26 }, missing: ['humidity'] }, NOW)).toEqual({
      metrics: { housing_temperature: 21.3 },
      missing: ['housing_humidity'],
    });
  });

  it('whose value is not of its type counts as missing, and is logged once', () => {
    const { log, lines } = countingLog();
    const strict = intake({}, log);
    for (let time = 0; time < 3; time += 1) {
      expect(strict.read({ metrics: { temperature: 'warm', humidity: Number.NaN, door_open: true } }, NOW)).toEqual({
        metrics: { door_open: true },
        missing: ['temperature', 'humidity'],
      });
    }
    expect(lines.length).toBe(2);
  });

  it('is calibrated before it is rounded, by the calibration of its time, and its raw value stands beside it if wanted', () => {
    const later = NOW + 1000;
    const calibration = { id: 'a', rawUnit: 'V', terms: {}, apply: (raw: number) => raw * 10 + 0.006 };
    const settings = {
      ...{ driver, options: {}, everyMs: 1000, deadlineMs: 1000, staleMs: 10_000, rename: {} },
      calibrations: { temperature: { keepsRaw: true, at: (time: number) => (time < later ? undefined : calibration) } },
    };
    const calibrated = new Intake(settings, new MetricTable(), silentLog);
    expect(calibrated.names).toEqual(['temperature', 'humidity', 'door_open', 'temperature_raw']);
    const read = (timestampMs: number): object => calibrated.read({ metrics: { temperature: 2.0001 } }, timestampMs);
    expect(read(NOW)).toMatchObject({ metrics: { temperature: 2, temperature_raw: 2.0001 }, missing: [] });
    expect(read(later)).toMatchObject({ metrics: { temperature: 20.01, temperature_raw: 2.0001 }, missing: [] });
    expect(calibrated.read({ metrics: {}, missing: ['temperature'] }, NOW).missing).toEqual([
      'temperature',
      'temperature_raw',
    ]);
  });

  it('of a metric that the driver did not announce is left out', () => {
    expect(intake().read({ metrics: { wind_speed: 3 }, missing: ['pressure'] }, NOW)).toEqual({
      metrics: {},
      missing: [],
    });
  });
});
