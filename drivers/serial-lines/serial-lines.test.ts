import { expect, test } from 'vitest';
import { type Log, silentLog } from '../../runtime/log.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { SteppedClock } from '../../sim/clock.ts';
import { FedPorts } from '../../test/fed-lines.ts';
import { LogLines } from '../../test/log-lines.ts';
import { HeldMemory } from '../../test/no-ports.ts';
import { listenTo } from '../../test/serial-mouth.ts';
import type { PushedSensor, Reading } from '../driver.ts';
import { serialLines } from './serial-lines.ts';

const never = new AbortController().signal;
const CSV = {
  port: '/dev/board',
  format: 'csv',
  values: [
    { metric: 'temperature', column: 1, range: [-40, 85] },
    { metric: 'noise_level', column: 3, scale: 0.5, offset: 10 },
  ],
};

async function stage(options: object, log: Log = silentLog) {
  const ports = new FedPorts();
  const clock = new SteppedClock();
  const context = { clock, random: new SeededRandom(1), log, ports, memory: new HeldMemory() };
  const sensor = serialLines.create(serialLines.options.parse(options), context) as PushedSensor;
  await sensor.open(never);
  const heard = listenTo(sensor, never);
  /** What comes of some lines, after the first one, which is never believed. */
  const said = async (...lines: readonly string[]): Promise<Reading[]> => {
    heard.readings.length = 0;
    ports.first.feed(...lines);
    await clock.advance(0);
    return [...heard.readings];
  };
  return { ports, clock, sensor, heard, said };
}

test('columns become metrics, with their scale and offset', async () => {
  const { said } = await stage(CSV);
  expect(await said('1.5,0,0', '21.5,99,100', '-40,x,0')).toEqual([
    { metrics: { temperature: 21.5, noise_level: 60 }, missing: [] },
    { metrics: { temperature: -40, noise_level: 10 }, missing: [] },
  ]);
});

test('the first line after each opening is left out, as its beginning may have been lost', async () => {
  const { said, sensor, ports, clock } = await stage(CSV);
  expect(await said('1.5,0,0')).toEqual([]);
  await sensor.close();
  await sensor.open(never);
  const { readings } = listenTo(sensor, never);
  ports.first.feed('1.4,0,0', '21.4,0,0');
  await clock.advance(0);
  expect(readings.map(({ metrics }) => metrics.temperature)).toEqual([21.4]);
});

test('a value that is none, or beyond its range, is missing; a line that is torn, or a heading, is nothing', async () => {
  const { said } = await stage(CSV);
  await said('');
  expect(await said('nan,0,20', '85.1,0,ERR', 'temperature,humidity,noise', '21.4,0', '', '21.4')).toEqual([
    { metrics: { noise_level: 20 }, missing: ['temperature'] },
    { metrics: {}, missing: ['temperature', 'noise_level'] },
  ]);
});

test('keys that a line does not name are absent, and a boolean metric is one', async () => {
  const values = [
    { metric: 'temperature', key: 'air.t' },
    { metric: 'door_open', key: 'door' },
  ];
  const { said } = await stage({ port: '/dev/board', format: 'json', values });
  await said('');
  expect(
    await said('{"air":{"t":0}}', '{"door":false}', '{"door":1,"air":{"t":null}}', '{"other":1}', '{"door":'),
  ).toEqual([
    { metrics: { temperature: 0 }, missing: [] },
    { metrics: { door_open: false }, missing: [] },
    { metrics: { door_open: true }, missing: ['temperature'] },
  ]);
});

test('with a checksum, a line that does not prove itself is nothing', async () => {
  const values = [{ metric: 'temperature', key: 't' }];
  const { said } = await stage({ port: '/dev/board', format: 'key-value', checksum: 'xor', values });
  await said('');
  expect(await said('t=1*78', 't=2*78', 't=1')).toEqual([{ metrics: { temperature: 1 }, missing: [] }]);
});

test('bad lines are counted, and told of once when they become many', async () => {
  const log = new LogLines();
  const { said } = await stage(CSV, log);
  await said('', ...Array<string>(30).fill('#?!'));
  expect(log.said).toEqual(['warn: many lines of the port are bad']);
  expect(log.fields).toEqual([{ port: '/dev/board', bad: 10, line: '#?!' }]);
});

test('a port with lines of another kind is SENSOR_FAILED in the end, one that is lost PORT_LOST', async () => {
  const { clock, ports, heard, sensor } = await stage(CSV);
  for (let seconds = 0; seconds < 62; seconds += 1) {
    ports.first.feed('GET OFF MY LINE');
    await clock.advance(1000);
  }
  expect(await heard.end).toMatchObject({ code: 'SENSOR_FAILED', context: { format: 'csv' } });
  await sensor.close();
  await sensor.open(never);
  const again = listenTo(sensor, never);
  ports.first.lose(new Error('unplugged'));
  expect(await again.end).toEqual(new Error('unplugged'));
});

test.each([
  [{ ...CSV, format: 'json' }, 'needs `key`, as the format is json'],
  [{ ...CSV, values: [{ metric: 'temperature', key: 't' }] }, 'needs `column`, as the format is csv'],
  [{ ...CSV, values: [{ metric: 'temperature', column: 1, range: [1, 0] }] }, 'does not begin below its end'],
  [{ ...CSV, values: [{ metric: 'modem_state', column: 1 }] }, 'is a metric of text'],
  [{ ...CSV, values: [{ metric: 'station', column: 1 }] }, 'is a word that every record has'],
])('%j is refused: %s', (options, message) => {
  const { error } = serialLines.options.safeParse(options);
  expect(error?.issues.map((issue) => issue.message)).toContain(message);
});
