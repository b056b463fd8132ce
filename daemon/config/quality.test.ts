import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DRIVERS } from '../../drivers/index.ts';
import { formatProblem, problemsOf } from '../../runtime/config/problem.ts';
import { ConfigReader } from '../../runtime/config/reader.ts';
import { CITY_RULES } from '../quality/city.ts';
import { readGatewayConfig } from './read.ts';
import type { GatewayConfig } from './types.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mooring-quality-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SENSORS = 'sensors: [{ driver: sim, profile: city }]';

const read = (
  quality: string,
  stations = `[{ name: a, ${SENSORS} }, { name: b, every: 10s, ${SENSORS} }]`,
): GatewayConfig => {
  const file = join(folder, 'mooring.yaml');
  writeFileSync(file, `gateway: g\nstore: { path: s.db }\nstations: ${stations}\nquality: ${quality}\n`);
  return readGatewayConfig(new ConfigReader(file), DRIVERS);
};

const problemsIn = (quality: string, stations?: string): string[] => {
  try {
    read(quality, stations);
    return [];
  } catch (error) {
    const problems = problemsOf(error);
    if (problems.length === 0) throw error;
    return problems.map((problem) => formatProblem(problem).replace(/^.*?\.yaml:\d+:\d+ /, ''));
  }
};

const rulesOf = (config: GatewayConfig, station: number): object | undefined => config.stations[station]?.quality;

describe('rules', () => {
  test('are none where nothing is said', () => {
    expect(rulesOf(read('{}'), 0)).toEqual({});
  });

  test('stand in milliseconds and per second, with what was left out as undefined', () => {
    const config = read(`{ a: { temperature: {
      gross_range: { suspect: [-20, 45], fail: [-40, 60] },
      climatology: [{ months: [12, 1], suspect: [-5, 20] }],
      spike: { fail: 5 },
      rate_of_change: { suspect: 3, fail: 6, per: 1m },
      flat_line: { tolerance: 0.01, suspect: 10m, fail: 1h },
      attenuated: { over: 1h, suspect: 0.05, fail: 0.01 },
      outlier: { adaptive: 5m, k: 5 } } } }`);
    const december = { period: 'month', season: [12, 12], limits: { suspect: [-5, 20], fail: undefined } };
    expect(rulesOf(config, 0)).toEqual({
      temperature: {
        grossRange: { suspect: [-20, 45], fail: [-40, 60] },
        climatology: [december, { ...december, season: [1, 1] }],
        spike: { suspect: undefined, fail: 5 },
        rateOfChange: { suspect: 0.05, fail: 0.1 },
        flatLine: { tolerance: 0.01, durationMs: { suspect: 600_000, fail: 3_600_000 } },
        attenuated: { periodMs: 3_600_000, suspect: 0.05, fail: 0.01 },
        // One step of the resolution of temperature.
        outlier: { windowMs: 300_000, k: 5, spreadMin: 0.01 },
      },
    });
    expect(rulesOf(config, 1)).toEqual({});
  });

  test("of every station are covered by a station's own, metric by metric and rule by rule, and presets by what is written", () => {
    const config = read(`{
      "*": { preset: city, temperature: { spike: { suspect: 1 }, outlier: { mean: 20, sigma: 1, k: 2 } } },
      b: { temperature: { spike: { suspect: 2 } }, rainfall: { outlier: { mean: 1, sigma: 1, k: 2 } } } }`);
    const outlier = { mean: 20, sigma: 1, k: 2 };
    const temperature = (suspect: number): object => ({ spike: { suspect, fail: undefined }, outlier });
    expect(rulesOf(config, 0)).toEqual({ ...CITY_RULES, temperature: temperature(1) });
    expect(rulesOf(config, 1)).toEqual({
      ...CITY_RULES,
      temperature: temperature(2),
      rainfall: { outlier: { mean: 1, sigma: 1, k: 2 } },
    });
  });

  test("of a station's preset cover what is written for every station", () => {
    const config = read('{ "*": { humidity: { outlier: { mean: 20, sigma: 1, k: 2 } } }, a: { preset: city } }');
    expect(rulesOf(config, 0)).toEqual(CITY_RULES);
  });

  test('of a preset are for what the station measures, and for raw values by their name', () => {
    const stations =
      '[{ name: a, sensors: [{ driver: sim, profile: buoy, calibrate: { temperature: { offset: 1, keep_raw: true } } }] }]';
    const config = read('{ a: { preset: city, temperature_raw: { spike: { fail: 1 } } } }', stations);
    const measured = config.stations[0]?.sensors[0]?.metrics ?? [];
    const expected = Object.keys(CITY_RULES).filter((metric) => measured.includes(metric));
    expect(Object.keys(rulesOf(config, 0) ?? {}).sort()).toEqual([...expected, 'temperature_raw'].sort());
    expect(expected.length).toBeGreaterThan(0);
  });
});

describe('is refused:', () => {
  test('a station that is not there, and a metric that it does not measure, or with "*" no station', () => {
    expect(problemsIn('{ c: { preset: city } }')).toEqual(['quality.c: there is no station `c`. Did you mean `a`?']);
    expect(problemsIn('{ a: { preset: city, tempreature: {} }, "*": { depth: {} } }')).toEqual([
      'quality.a.tempreature: `a` does not measure `tempreature`. Did you mean `temperature`?',
      expect.stringMatching(/^quality\."\*"\.depth: no station measures `depth`\. Measured there: temperature, /),
    ]);
  });

  test('nothing for what only some stations measure, with "*"; nor for a station of which a sensor is wrong', () => {
    const stations = `[{ name: a, ${SENSORS} }, { name: b, sensors: [{ driver: sim, profile: buoy }] }]`;
    expect(problemsIn('{ "*": { rainfall: { spike: { fail: 1 } } } }', stations)).toEqual([]);
    const wrong = '[{ name: a, sensors: [{ driver: sim, profile: city }, { driver: nmea, port: /dev/x }] }]';
    expect(problemsIn('{ a: { depth: { spike: { fail: 1 } } } }', wrong)).toEqual([
      expect.stringContaining('sensors[1].driver: unknown driver'),
    ]);
  });

  test('a rule for what is true or false', () => {
    const stations = `[{ name: a, sensors: [{ driver: system, under_voltage: true }] }]`;
    const [problem] = problemsIn(
      '{ a: { under_voltage: { spike: { fail: 1 } } } }',
      stations.replace(', under_voltage: true', ''),
    );
    expect(problem).toBe('quality.a.under_voltage: `under_voltage` is true or false. Rules are for numbers only.');
  });

  test('a time that is too short for one of the stations, by how often the metric is measured there', () => {
    expect(problemsIn('{ "*": { temperature: { outlier: { adaptive: 8s, k: 3 } } } }')).toEqual([
      'quality."*".temperature.outlier.adaptive: is too short for `b`, which measures it every 10s. It has to span 8 values.',
    ]);
    expect(
      problemsIn(
        '{ b: { temperature: { flat_line: { tolerance: 1, fail: 20s }, attenuated: { over: 30s, fail: 1 } } } }',
      ),
    ).toEqual([]);
  });

  test('each of several wrong rules of one metric, whatever its form', () => {
    const problems = problemsIn(
      '{ a: { temperature: { spike: { suspect: x }, gross_range: { fail: [5, 1] }, outlier: { k: 1 } } } }',
    );
    expect(problems.map((problem) => problem.slice(0, problem.indexOf(':'))).sort()).toEqual([
      'quality.a.temperature.gross_range.fail',
      'quality.a.temperature.outlier',
      'quality.a.temperature.spike.suspect',
    ]);
  });
});
