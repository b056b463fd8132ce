import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { AnyDriver, DriverMetric } from '../../drivers/driver.ts';
import { encodedRecordBytes } from '../../protocol/batch-codec.ts';
import { BOUNDS } from '../../protocol/record.ts';
import { formatProblem, problemsOf } from '../../runtime/config/problem.ts';
import { ConfigReader } from '../../runtime/config/reader.ts';
import { sourceInfo } from '../sampling/source.ts';
import { metricNamesOf, portOf } from '../sampling/station.ts';
import { readGatewayConfig } from './read.ts';
import type { GatewayConfig } from './types.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mooring-calibration-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const GIVES: readonly DriverMetric[] = [
  { name: 'temperature', range: [-40, 85], resolution: 0.005 },
  { name: 'noise_level', unit: 'V', range: [0, 3.3], resolution: 0.0001 },
  { name: 'wind_speed' },
  { name: 'door_open' },
  { name: 'x_bare' },
];

/** Gives the metrics that it is told to, as `GIVES` declares them. */
const probe: AnyDriver = {
  name: 'probe',
  summary: 'Gives what it is told to',
  options: z.strictObject({ gives: z.array(z.string()), port: z.string().optional() }),
  metrics: ({ gives }: { gives: string[] }) => GIVES.filter(({ name }) => gives.includes(name)),
  create: () => {
    throw new Error('reading a configuration builds no sensor');
  },
};

/** A gateway with one sensor a station, in flow style. */
const read = (sensors: readonly string[], metrics = '{}'): GatewayConfig => {
  const stations = sensors.map((sensor, index) => `  - { name: s${index}, sensors: [{ driver: probe, ${sensor} }] }\n`);
  const file = join(folder, 'mooring.yaml');
  writeFileSync(file, `gateway: g\nstore: { path: s.db }\nmetrics: ${metrics}\nstations:\n${stations.join('')}`);
  return readGatewayConfig(new ConfigReader(file), [probe]);
};

const problemsIn = (sensors: readonly string[], metrics?: string): string[] => {
  try {
    read(sensors, metrics);
    return [];
  } catch (error) {
    const problems = problemsOf(error);
    if (problems.length === 0) throw error;
    return problems.map((problem) => formatProblem(problem).replace(/^.*?\.yaml:\d+:\d+ /, ''));
  }
};

const only = ({ stations }: GatewayConfig) => {
  const sensor = stations[0]?.sensors[0];
  if (sensor === undefined) throw new Error('there is a sensor');
  return sensor;
};

describe('calibrations of a sensor', () => {
  test('go by the names in records, and hold from their dates on', () => {
    const { calibrations } = only(
      read([
        `gives: [temperature], as: { temperature: water_temperature }, calibrate: { temperature:
          [{ id: a1, offset: 1 }, { id: a2, from: 2026-01-01, polynomial: [1, 2] }, { from: 2026-01-01T00:00:01Z, offset: -0 }] }`,
      ]),
    );
    const at = (timestampMs: number) => calibrations.water_temperature?.at(timestampMs);
    const [start, later] = [Date.UTC(2026, 0, 1), Date.UTC(2026, 0, 1, 0, 0, 1)];
    expect([at(0), at(start - 1), at(start), at(later)].map((each) => each?.apply(10))).toEqual([11, 11, 21, 10]);
    expect(at(start)).toMatchObject({ id: 'a2', rawUnit: '°C', terms: { polynomial: [1, 2] } });
    // Records know no -0.
    expect(at(later)).toMatchObject({ id: undefined, terms: { offset: 0 } });
    expect(Object.is(at(later)?.terms.offset, 0)).toBe(true);
  });

  test('that keep raw values add a metric to the sensor and its definition to the gateway, in the unit of the sensor', () => {
    const config = read([
      'gives: [temperature, noise_level], calibrate: { noise_level: { unit: V, table: [[0, 30], [3, 130]], keep_raw: true } }',
    ]);
    const sensor = only(config);
    expect(sensor.metrics).toEqual(['temperature', 'noise_level', 'noise_level_raw']);
    expect(sensor.metrics).toEqual(metricNamesOf(sensor));
    expect(sensor.calibrations.noise_level?.keepsRaw).toBe(true);
    expect(sensor.calibrations.noise_level?.at(0)?.rawUnit).toBe('V');
    expect(config.metrics).toEqual([{ name: 'noise_level_raw', type: 'number', unit: 'V', resolution: 0.0001 }]);
  });

  test('that keep raw values round them as the metric is, where the driver does not say how fine it is', () => {
    const config = read(['gives: [wind_speed], calibrate: { wind_speed: { offset: 1, keep_raw: true } }']);
    expect(config.metrics).toEqual([{ name: 'wind_speed_raw', type: 'number', unit: 'm/s', resolution: 0.01 }]);
  });

  test('take the unit of a measure that nobody defined from the configuration', () => {
    const config = read(['gives: [x_bare], calibrate: { x_bare: { unit: mV, offset: 1, keep_raw: true } }']);
    expect(only(config).calibrations.x_bare?.at(0)?.rawUnit).toBe('mV');
    expect(config.metrics).toEqual([{ name: 'x_bare_raw', type: 'number', unit: 'mV' }]);
  });
});

const NOISE = 'gives: [noise_level], calibrate';

describe('is refused:', () => {
  test('a sensor in another unit than its metric, without a calibration that says so at every time', () => {
    expect(problemsIn(['gives: [noise_level]'])).toEqual([
      expect.stringMatching(/^stations\[0\]\.sensors\[0\]: gives `noise_level` in V, not dB\. Convert it: /),
    ]);
    expect(problemsIn([`${NOISE}: { noise_level: { offset: 1 } }`])).toEqual([
      'stations[0].sensors[0].calibrate.noise_level: does not say that it converts V to dB. Add `unit: V`.',
    ]);
    expect(problemsIn([`${NOISE}: { noise_level: { unit: mV, from: 2026-01-01, offset: 1 } }`])).toEqual([
      'stations[0].sensors[0].calibrate.noise_level.unit: the sensor gives V. Write `unit: V`.',
      'stations[0].sensors[0].calibrate.noise_level.from: before that nothing converts V to dB. The first calibration has no `from`.',
    ]);
    expect(problemsIn(['gives: [noise_level], as: { noise_level: volts }'], '{ volts: { unit: V } }')).toEqual([
      expect.stringContaining('`noise_level` is a number in dB, `volts` is a number in V'),
    ]);
  });

  test('a polynomial that turns within the range of the sensor, not one that turns beyond it', () => {
    const calibrated = (metric: string, polynomial: string): string[] =>
      problemsIn([`gives: [${metric}], calibrate: { ${metric}: { polynomial: ${polynomial} } }`]);
    expect(calibrated('temperature', '[0, 1, -0.005]')).toEqual([]);
    expect(calibrated('temperature', '[0, 1, -0.006]')).toEqual([
      expect.stringContaining('polynomial: is not strictly monotone from -40 to 85 °C, which the sensor gives.'),
    ]);
    // What is plausible for the metric, where the driver says nothing; every number, where nobody does.
    expect(calibrated('wind_speed', '[0, 1, -0.004]')).toEqual([]);
    expect(calibrated('wind_speed', '[0, 1, -0.006]')).toEqual([expect.stringContaining('from 0 to 100 m/s')]);
    expect(calibrated('x_bare', '[0, 1, 0, 0.1]')).toEqual([]);
    expect(calibrated('x_bare', '[0, 1, 1e-9]')).toEqual([expect.stringContaining('is not strictly monotone. Each')]);
  });

  test('what is no number', () => {
    expect(problemsIn(['gives: [door_open], calibrate: { door_open: { offset: 1 } }'])).toEqual([
      expect.stringContaining('calibrate.door_open: `door_open` is true or false. Only numbers are calibrated.'),
    ]);
  });

  test('a raw value of one name in two units, or beside another sensor of that name', () => {
    const raw =
      'gives: [noise_level], calibrate: { noise_level: { unit: V, two_point: [[0, 0], [1, 9]], keep_raw: true } }';
    expect(problemsIn([raw, raw])).toEqual([]);
    expect(problemsIn([raw], '{ noise_level_raw: { unit: V, resolution: 0.01 } }')).toEqual([]);
    expect(problemsIn([raw], '{ noise_level_raw: { unit: mV } }')).toEqual([
      expect.stringContaining('keep_raw: `noise_level_raw` is in V here and in mV under `metrics`.'),
    ]);
    const bare =
      'gives: [x_bare], as: { x_bare: noise_level }, calibrate: { x_bare: { unit: mV, offset: 1, keep_raw: true } }';
    expect(problemsIn([raw, bare])).toEqual([expect.stringContaining('is in mV here and in V in line 5.')]);
  });

  test('a calibration whose terms do not fit into a record', () => {
    const points = Array.from({ length: 64 }, (_, index) => [index + 1 / 3, index * 7 + 1 / 7]);
    expect(
      problemsIn([`gives: [wind_speed], calibrate: { wind_speed: { table: ${JSON.stringify(points)} } }`]),
    ).toEqual([
      expect.stringMatching(
        /wind_speed: the record that tells of it would take \d+ bytes, 1000 are allowed\. Give fewer/,
      ),
    ]);
  });
});

test('a calibration of the wrong form hides neither its sensor nor the other calibrations', () => {
  const problems = problemsIn([
    'gives: [temperature, wind_speed], every: 1.5s, calibrate: { temperature: { shift: 1 }, wind_speed: { polynomial: [1, 0] } }',
  ]);
  expect(problems.map((problem) => problem.slice(0, problem.indexOf(':')))).toEqual([
    'stations[0].sensors[0].every',
    'stations[0].sensors[0].calibrate.temperature.shift',
    'stations[0].sensors[0].calibrate.wind_speed.polynomial',
  ]);
});

test.each(['', 'port: /dev/ttyUSB0, ', `port: /dev/${'x'.repeat(507)}, `])(
  'the largest table that is taken fills the record that tells of it to its bound, and one byte more is refused: `%s`',
  (port) => {
    const points = Array.from({ length: 64 }, (_, index) => [index + 1 / 3, index * 7 + 1 / 7]);
    const sensor = (count: number, id: string): string =>
      `gives: [wind_speed], ${port}calibrate: { wind_speed: { id: ${id}, table: ${JSON.stringify(points.slice(0, count))} } }`;
    const isTaken = (count: number, id: string): boolean => problemsIn([sensor(count, id)]).length === 0;
    const count = points.findLastIndex((_, index) => isTaken(index + 1, 'a')) + 1;
    const lengths = Array.from({ length: 64 }, (_, index) => index + 1);
    const length = lengths.findLast((each) => isTaken(count, 'a'.repeat(each))) ?? 0;
    expect(length).toBeLessThan(64);
    expect(recordBytes(sensor(count, 'a'.repeat(length)))).toBe(BOUNDS.recordBytes);
  },
);

/** What the daemon's own record of the source of its metric encodes to where all that it does not choose is longest. */
function recordBytes(sensor: string): number {
  const config = read([sensor]);
  const [station] = config.stations;
  assert(station !== undefined);
  const { driver, options, calibrations } = only(config);
  const info = sourceInfo({
    metric: 'wind_speed',
    driver: driver.name,
    port: portOf(options),
    unit: 'm/s',
    calibration: calibrations.wind_speed?.at(0),
  });
  return encodedRecordBytes({
    ...{ station: station.name, kind: 'event', clock: 'unsynced', metrics: {}, flags: {}, info },
    ...{
      sequence: BOUNDS.sequenceMax,
      timestampMs: BOUNDS.timestampMsMax,
      location: { lat: 1 / 3, lon: 1 / 3, alt: 1 / 3 },
    },
  });
}
