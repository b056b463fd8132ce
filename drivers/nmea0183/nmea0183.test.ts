import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { MooringError } from '../../runtime/errors.ts';
import { silentLog } from '../../runtime/log.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { SteppedClock } from '../../sim/clock.ts';
import { wholeSample } from '../../test/driver-samples.ts';
import { FedPorts } from '../../test/fed-lines.ts';
import { HeldMemory } from '../../test/no-ports.ts';
import type { PushedSensor, Reading } from '../driver.ts';
import { nmea0183 } from './nmea0183.ts';
import { SENTENCE_BYTES_MAX } from './sentence.ts';

const MTW = '$IIMTW,17.5,C*10';

function setUp(): {
  readonly clock: SteppedClock;
  readonly ports: FedPorts;
  readonly sensor: PushedSensor;
  readonly said: string[];
} {
  const clock = new SteppedClock();
  const ports = new FedPorts();
  const said: string[] = [];
  const log = {
    ...silentLog,
    info: (_: object, message: string) => said.push(message),
    warn: (_: object, message: string) => said.push(message),
  };
  const options = nmea0183.options.parse({ port: '/dev/gps', baud: 38_400, silence: '5s' });
  const sensor = nmea0183.create(options, {
    clock,
    random: new SeededRandom(1),
    log,
    ports,
    memory: new HeldMemory(),
  });
  return { clock, ports, sensor: sensor as PushedSensor, said };
}

/** Reads in the background; `readings` grows, `ended` settles with the error that ended it, if one did. */
function listen(sensor: PushedSensor, signal: AbortSignal): { readings: Reading[]; ended: Promise<unknown> } {
  const readings: Reading[] = [];
  const ended = (async () => {
    try {
      for await (const reading of sensor.readings(signal)) readings.push(reading);
      return undefined;
    } catch (error) {
      return error;
    }
  })();
  return { readings, ended };
}

test('the port is asked for with the options, and touched only by open', async () => {
  const { ports, sensor } = setUp();
  expect(ports.first.settings).toEqual({
    path: '/dev/gps',
    baud: 38_400,
    lineBytesMax: SENTENCE_BYTES_MAX,
    silenceMs: 5000,
  });
  expect(ports.first.opened).toBe(0);
  await sensor.open(new AbortController().signal);
  expect(ports.first.opened).toBe(1);
  await sensor.close();
});

test('each sentence with something to say is a reading, damaged ones are none', async () => {
  const { clock, ports, sensor } = setUp();
  const stop = new AbortController();
  await sensor.open(stop.signal);
  const { readings, ended } = listen(sensor, stop.signal);
  ports.first.feed(MTW, '$IIMTW,18.5,C*10', '$GPGSV,,,,,,,,,,,,,,,,,,,*79', '$IIMWV,338,R,13.41,N,V*3B', 'noise');
  await clock.advance(0);
  expect(readings).toEqual([
    { metrics: { water_temperature: 17.5 } },
    { metrics: {}, missing: ['apparent_wind_angle', 'apparent_wind_speed'] },
  ]);
  stop.abort();
  expect(await ended, 'told to stop, it ends without an error').toBeUndefined();
  expect(clock.pendingTimers).toBe(0);
});

test('the error of a lost port ends the readings, and opened again it reads on', async () => {
  const { clock, ports, sensor } = setUp();
  const { signal } = new AbortController();
  await sensor.open(signal);
  const first = listen(sensor, signal);
  ports.first.feed(MTW);
  await clock.advance(0);
  const lost = new MooringError('PORT_LOST', 'gone');
  ports.first.lose(lost);
  expect(await first.ended).toBe(lost);
  expect(first.readings).toHaveLength(1);
  await sensor.close();
  await sensor.open(signal);
  const second = listen(sensor, signal);
  ports.first.feed(MTW);
  await clock.advance(0);
  expect(second.readings).toHaveLength(1);
  await sensor.close();
  expect(await second.ended).toBeUndefined();
});

test('bytes without a valid sentence for twice the silence are SENSOR_FAILED: the wrong speed', async () => {
  const { clock, ports, sensor } = setUp();
  const { signal } = new AbortController();
  await sensor.open(signal);
  const { ended } = listen(sensor, signal);
  for (let second = 0; second < 8; second += 1) {
    ports.first.feed(second === 3 ? MTW : '\u0080\u00f8x');
    await clock.advance(1000);
  }
  let error: unknown = 'none yet';
  void ended.then((reason) => {
    error = reason;
  });
  await clock.advance(4999);
  expect(error, '9.999 s after the last valid sentence').toBe('none yet');
  await clock.advance(1);
  expect(error).toMatchObject({ code: 'SENSOR_FAILED', context: { baud: 38_400 } });
  expect(clock.pendingTimers).toBe(0);
});

test('sentences that are good and not for us are signs of life', async () => {
  const { clock, ports, sensor } = setUp();
  const stop = new AbortController();
  await sensor.open(stop.signal);
  const { ended } = listen(sensor, stop.signal);
  for (let second = 0; second < 30; second += 1) {
    ports.first.feed('!AIVDM,1,1,,A,14eG;o@034o8sd<L9i:a;WF>062D,0*7D');
    await clock.advance(1000);
  }
  stop.abort();
  expect(await ended).toBeUndefined();
});

test('a noisy line is said once, and once when it is good again', async () => {
  const { clock, ports, sensor, said } = setUp();
  const stop = new AbortController();
  await sensor.open(stop.signal);
  const { ended } = listen(sensor, stop.signal);
  for (let line = 0; line < 60; line += 1) ports.first.feed(MTW, '$IIMTW,18.5,C*10');
  await clock.advance(0);
  expect(said).toEqual(['many lines of the port are damaged']);
  for (let line = 0; line < 200; line += 1) ports.first.feed(MTW);
  await clock.advance(0);
  expect(said).toEqual(['many lines of the port are damaged', 'the lines of the port are good again']);
  stop.abort();
  await ended;
});

test('the sample is one that the driver takes', () => {
  const sample: unknown = parse(wholeSample(readFileSync(new URL('sample.yaml', import.meta.url), 'utf8')));
  const { sensors } = sample as { sensors: Record<string, unknown>[] };
  for (const { driver, as: _, stale: __, ...options } of sensors) {
    expect(driver).toBe(nmea0183.name);
    expect(nmea0183.options.safeParse(options).error).toBeUndefined();
  }
});
