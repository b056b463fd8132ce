import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { AnyDriver } from '../../drivers/driver.ts';
import type { Log } from '../../runtime/log.ts';
import { silentLog } from '../../runtime/log.ts';
import { Intake } from './intake.ts';
import { MetricTable } from './metric-table.ts';

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
    expect(intake().read({ metrics: { temperature: 21.23456, humidity: 0, door_open: false } })).toEqual({
      metrics: { temperature: 21.23, humidity: 0, door_open: false },
      missing: [],
    });
  });

  it('goes under the names of the configuration, with the resolution of the new one, values and gaps alike', () => {
    const renamed = intake({ temperature: 'housing_temperature', humidity: 'housing_humidity' });
    expect(renamed.names).toEqual(['housing_temperature', 'housing_humidity', 'door_open']);
    expect(renamed.read({ metrics: { temperature: 21.26 }, missing: ['humidity'] })).toEqual({
      metrics: { housing_temperature: 21.3 },
      missing: ['housing_humidity'],
    });
  });

  it('whose value is not of its type counts as missing, and is logged once', () => {
    const { log, lines } = countingLog();
    const strict = intake({}, log);
    for (let time = 0; time < 3; time += 1) {
      expect(strict.read({ metrics: { temperature: 'warm', humidity: Number.NaN, door_open: true } })).toEqual({
        metrics: { door_open: true },
        missing: ['temperature', 'humidity'],
      });
    }
    expect(lines.length).toBe(2);
  });

  it('of a metric that the driver did not announce is left out', () => {
    expect(intake().read({ metrics: { wind_speed: 3 }, missing: ['pressure'] })).toEqual({ metrics: {}, missing: [] });
  });
});
