import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import type { AnyDriver } from '../../drivers/driver.ts';
import { METRICS } from '../../protocol/metrics.ts';
import { formatProblem, problemsOf } from '../../runtime/config/problem.ts';
import { ConfigReader } from '../../runtime/config/reader.ts';
import { duration, filePath } from '../../runtime/config/values.ts';
import { readGatewayConfig } from './read.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mooring-gateway-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A driver that gives whatever metrics its options name. */
const probe: AnyDriver = {
  name: 'probe',
  summary: 'Gives what it is told to',
  options: z.strictObject({
    gives: z.array(z.string()).default(['temperature', 'humidity']),
    port: filePath().optional(),
    settle: duration().prefault('100ms'),
  }),
  metrics: ({ gives }: { gives: string[] }) => gives.map((name) => ({ name })),
  create: () => {
    throw new Error('reading a configuration builds no sensor');
  },
};

const read = (text: string, drivers: readonly AnyDriver[] = [probe]) => {
  const file = join(folder, 'mooring.yaml');
  writeFileSync(file, text);
  return readGatewayConfig(new ConfigReader(file), drivers);
};

const problemsIn = (text: string, drivers?: readonly AnyDriver[]): string[] => {
  try {
    read(text, drivers);
    return [];
  } catch (error) {
    const problems = problemsOf(error);
    if (problems.length === 0) throw error;
    return problems.map((problem) => formatProblem(problem).replace(`${join(folder, 'mooring.yaml')}:`, ''));
  }
};

const gateway = (sensors: string, rest = ''): string =>
  `gateway: plaka\nstations:\n  - name: s\n    sensors:\n      - ${sensors}\nstore: { path: store.db }\n${rest}`;

test('the least that a gateway needs gets every default, and absolute paths', () => {
  expect(read(gateway('driver: probe'))).toEqual({
    file: join(folder, 'mooring.yaml'),
    gateway: 'plaka',
    stations: [
      {
        name: 's',
        everyMs: 1000,
        location: undefined,
        quality: {},
        sensors: [
          {
            driver: probe,
            options: { gives: ['temperature', 'humidity'], settle: 100 },
            everyMs: 1000,
            staleMs: 10_000,
            deadlineMs: 1000,
            rename: {},
            metrics: ['temperature', 'humidity'],
            calibrations: {},
          },
        ],
      },
    ],
    metrics: [],
    store: { path: join(folder, 'store.db'), budgetBytes: 2 ** 30, overflow: 'drop_oldest', lingerMs: 0 },
    forward: [],
    alarms: [],
    actuators: [],
    buttons: [],
    logLevel: 'info',
  });
});

test('what is written wins over every default', () => {
  const config = read(`
gateway: plaka
stations:
  - name: buoy-7
    every: 500ms
    location: { lat: 42.480778, lon: 3.176833, alt: 2 }
    sensors:
      - driver: probe
        every: 5s
        stale: 30s
        deadline: 250ms
        as: { temperature: housing_temperature }
        port: dev/port
        settle: 1s
  - { name: buoy-8, location: gps, sensors: [{ driver: probe, gives: [] }] }
metrics:
  housing_temperature: { like: temperature }
  sway: { unit: m, resolution: 0.01, range: [-5, 5] }
  hatch: { unit: '', type: boolean }
store: { path: /data/store.db, budget: 64MiB, overflow: drop_oldest, linger: 10s }
forward:
  centre:
    mqtt: { url: mqtts://centre:8883, ca: ca.pem, cert: /etc/a.pem, key: a.key, user: plaka, password: pw }
    backlog_rate: 20KiB
  spare: { mqtt: { url: mqtt://127.0.0.1:1883 } }
  radio: { udp: { host: centre.example, port: 20100, key: link.key }, backlog_rate: 1KiB }
log_level: debug
`);
  expect(config.stations[0]).toMatchObject({ everyMs: 500, location: { lat: 42.480778, lon: 3.176833, alt: 2 } });
  expect(config.stations[0]?.sensors[0]).toMatchObject({
    options: { port: join(folder, 'dev/port'), settle: 1000 },
    everyMs: 5000,
    staleMs: 30_000,
    deadlineMs: 250,
    rename: { temperature: 'housing_temperature' },
    metrics: ['housing_temperature', 'humidity'],
  });
  expect(config.stations[1]).toMatchObject({ everyMs: 1000, location: 'gps' });
  expect(config.metrics).toEqual([
    { name: 'housing_temperature', type: 'number', unit: '°C', range: [-60, 80], resolution: 0.01 },
    { name: 'sway', type: 'number', unit: 'm', range: [-5, 5], resolution: 0.01 },
    { name: 'hatch', type: 'boolean', unit: '' },
  ]);
  expect(config.store).toEqual({
    path: '/data/store.db',
    budgetBytes: 64 * 2 ** 20,
    overflow: 'drop_oldest',
    lingerMs: 10_000,
  });
  expect(config.forward).toEqual([
    {
      name: 'centre',
      kind: 'mqtt',
      mqtt: {
        url: 'mqtts://centre:8883',
        caFile: join(folder, 'ca.pem'),
        certFile: '/etc/a.pem',
        keyFile: join(folder, 'a.key'),
        user: 'plaka',
        passwordFile: join(folder, 'pw'),
      },
      backlogBytesPerSecond: 20_480,
    },
    {
      name: 'spare',
      kind: 'mqtt',
      mqtt: {
        url: 'mqtt://127.0.0.1:1883',
        caFile: undefined,
        certFile: undefined,
        keyFile: undefined,
        user: undefined,
        passwordFile: undefined,
      },
      backlogBytesPerSecond: undefined,
    },
    {
      name: 'radio',
      kind: 'udp',
      udp: { host: 'centre.example', port: 20_100, keyFile: join(folder, 'link.key') },
      backlogBytesPerSecond: 1024,
    },
  ]);
  expect(config.logLevel).toBe('debug');
});

test('two sensors that give one metric are told with both lines; a rename ends it', () => {
  expect(problemsIn(gateway('driver: probe\n      - driver: probe'))).toEqual([
    '6:9 stations[0].sensors[1]: lines 5 and 6 both give `temperature`, `humidity`. One sensor per metric and station: rename with `as`, or remove one.',
  ]);
  const renamed = 'driver: probe\n      - { driver: probe, as: { temperature: dew_point, humidity: x } }';
  expect(problemsIn(gateway(renamed, 'metrics: { x: { like: humidity } }\n'))).toEqual([]);
});

test('one sensor that gives a metric twice is told as well', () => {
  expect(
    problemsIn(gateway('{ driver: probe, gives: [temperature, dew_point], as: { temperature: dew_point } }')),
  ).toEqual([
    '5:9 stations[0].sensors[0]: gives `dew_point` twice. One value per metric and record: rename with `as`.',
  ]);
});

test('a rename onto a metric of another unit or type is told: it changes the name and nothing else', () => {
  const renames = 'as: { temperature: humidity, humidity: open }, gives: [temperature, humidity] }';
  expect(
    problemsIn(gateway(`{ driver: probe, ${renames}`, "metrics: { open: { unit: '', type: boolean } }\n")),
  ).toEqual([
    '5:45 stations[0].sensors[0].as.temperature: `temperature` is a number in °C, `humidity` is a number in %. Define another name under `metrics`: `{ like: temperature }`.',
    '5:65 stations[0].sensors[0].as.humidity: `humidity` is a number in %, `open` is true or false. Define another name under `metrics`: `{ like: humidity }`.',
  ]);
});

test('a device that needs its time has a deadline that it can keep, and a shorter one is refused', () => {
  const slow: AnyDriver = { ...probe, name: 'slow', sampleMs: 1000 };
  const deadlineOf = (text: string) => read(gateway(text), [probe, slow]).stations[0]?.sensors[0]?.deadlineMs;
  expect(deadlineOf('driver: slow')).toBe(2000);
  expect(deadlineOf('{ driver: slow, deadline: 1s }')).toBe(1000);
  expect(deadlineOf('driver: probe')).toBe(1000);
  expect(problemsIn(gateway('{ driver: slow, deadline: 500ms }'), [slow])).toEqual([
    '5:35 stations[0].sensors[0].deadline: is shorter than a sample of `slow` takes. Write at least 1000ms, or remove it: then it is 2000ms.',
  ]);
});

test('a rename from or to a name that nobody knows is told', () => {
  expect(problemsIn(gateway('{ driver: probe, as: { temperature: inside, humidty: outside } }'))).toEqual([
    '5:45 stations[0].sensors[0].as.temperature: `inside` is no metric that is known. Define it: `metrics: { inside: { like: temperature } }`.',
    '5:53 stations[0].sensors[0].as.humidty: is no metric of this sensor. Did you mean `humidity`?',
  ]);
});

test("a driver's own measures need no definition; other unknown names do", () => {
  expect(problemsIn(gateway('{ driver: probe, gives: [x_pitch] }'))).toEqual([]);
  expect(problemsIn(gateway('{ driver: probe, gives: [pitch] }'))).toHaveLength(1);
  expect(problemsIn(gateway('{ driver: probe, as: { temperature: x_inside } }'))).toHaveLength(1);
});

test('a sensor with a mistake hides no mistake of another', () => {
  expect(
    problemsIn(gateway('{ driver: probe, every: 1500ms }\n      - { driver: prob }\n      - { gives: 3 }\n      - 4')),
  ).toEqual([
    "5:33 stations[0].sensors[0].every: is not a multiple of the station's `every`. A sensor is asked at ticks of its station.",
    '6:19 stations[0].sensors[1].driver: unknown driver. Did you mean `probe`?',
    '7:9 stations[0].sensors[2].driver: missing. The driver that knows this chip or protocol.',
    '8:9 stations[0].sensors[3]: a mapping is expected, not a whole number.',
  ]);
});

test('options are read by the driver, in their places, and what was meant may be a key of every sensor', () => {
  expect(problemsIn(gateway('{ driver: probe, gives: 7, settle: soon, stal: 1s, prt: x, zzz: 1 }'))).toEqual([
    '5:33 stations[0].sensors[0].gives: a list is expected, not a whole number.',
    '5:44 stations[0].sensors[0].settle: is not a duration. Write a number and its unit: 250ms, 10s, 5m or 1h.',
    '5:50 stations[0].sensors[0].stal: `probe` does not know this key. Did you mean `stale`?',
    '5:60 stations[0].sensors[0].prt: `probe` does not know this key. Did you mean `port`?',
    '5:68 stations[0].sensors[0].zzz: `probe` does not know this key. Beside the keys of every sensor, `probe` knows `gives`, `port`, `settle`.',
  ]);
});

test('a station whose largest record would not fit is told before it runs', () => {
  const many = METRICS.filter(({ type }) => type === 'number').map(({ name }) => name);
  const own = Array.from({ length: 24 }, (_, index) => `x_measure_${index}`);
  const found = problemsIn(gateway(`{ driver: probe, gives: [${[...many, ...own].join(', ')}] }`));
  expect(found).toHaveLength(1);
  expect(found[0]).toMatch(
    /^4:5 stations\[0\]\.sensors: a record of its \d+ metrics may take \d+ bytes, 1000 are allowed/,
  );
  expect(problemsIn(gateway(`{ driver: probe, gives: [${many.slice(0, 30).join(', ')}] }`))).toEqual([]);
});

test('a limit of an alarm stands in records, which know no -0', () => {
  const alarms = 'alarms: [{ name: frost, metric: temperature, below: -0.0 }]';
  const [alarm] = read(gateway('driver: probe', alarms)).alarms;
  expect(alarm?.condition.tests).toEqual([{ metric: 'temperature', test: { kind: 'below', limit: 0, clear: 0 } }]);
});

test('an alarm whose record could not hold all of its texts is told before it is lost', () => {
  const texts = ['aa', 'bb', 'cc', 'dd', 'ee', 'ff'].map((name) => `text_of_instrument_${name}`);
  const metrics = `metrics: { ${texts.map((text) => `${text}: { unit: '', type: text }`).join(', ')} }`;
  const alarmOn = (count: number): string =>
    `alarms: [{ name: any-of-the-instruments-of-this-buoy-says-that-it-is-at-fault, any: [${texts
      .slice(0, count)
      .map((metric) => `{ metric: ${metric}, is: fault }`)
      .join(', ')}] }]`;
  const sensor = `{ driver: probe, gives: [${texts.join(', ')}] }`;
  expect(problemsIn(gateway(sensor, `${metrics}\n${alarmOn(5)}\n`))).toEqual([]);
  expect(problemsIn(gateway(sensor, `${metrics}\n${alarmOn(6)}\n`))).toEqual([
    expect.stringMatching(/alarms\[0\]: a record of it may take \d+ bytes, 1000 are allowed\. Make two alarms/),
  ]);
});
