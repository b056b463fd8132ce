import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { silentLog } from '../../runtime/log.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { SteppedClock } from '../../sim/clock.ts';
import { SimulatedSerialLine } from '../../sim/serial-line.ts';
import { Sds011Talker } from '../../sim/talkers/sds011.ts';
import { HeldMemory } from '../../test/no-ports.ts';
import { SerialLinePorts } from '../../test/serial-line-ports.ts';
import { hex, listenTo, Mouthpiece } from '../../test/serial-mouth.ts';
import type { PushedSensor } from '../driver.ts';
import { sds011 } from './sds011.ts';

interface Frames {
  readonly data: string;
  readonly values: Readonly<Record<string, number>>;
  readonly sleepAnswer: string;
  readonly commands: Readonly<Record<'reportByItself' | 'work' | 'sleep' | 'continuous', string>>;
}

const frames = JSON.parse(readFileSync(join(import.meta.dirname, 'fixtures', 'frames.json'), 'utf8')) as Frames;

let clock: SteppedClock;
let stop: AbortController;

beforeEach(() => {
  clock = new SteppedClock();
  stop = new AbortController();
});

function sensorOn(
  line: SimulatedSerialLine,
  options: Readonly<Record<string, unknown>> = { warmup: '0s' },
): PushedSensor {
  const ports = new SerialLinePorts(line, clock);
  const context = { clock, random: new SeededRandom(1), log: silentLog, ports, memory: new HeldMemory() };
  return sds011.create(sds011.options.parse({ port: '/dev/dust', ...options }), context) as PushedSensor;
}

/** The frame of two words, as they stand in it. */
function frameOf(pm25: number, pm10: number): Buffer {
  const frame = hex(frames.data);
  frame.writeUInt16LE(pm25, 2);
  frame.writeUInt16LE(pm10, 4);
  frame[8] = frame.subarray(2, 8).reduce((sum, byte) => sum + byte, 0) & 0xff;
  return frame;
}

test('it is told to work without pause and to report by itself, in the words of the protocol', async () => {
  const device = new Mouthpiece();
  const sensor = sensorOn(new SimulatedSerialLine(device, { baud: 9600 }));
  await sensor.open(stop.signal);
  const { work, reportByItself, continuous } = frames.commands;
  expect(Buffer.from(device.heard)).toEqual(Buffer.concat([work, reportByItself, continuous].map(hex)));
  await sensor.close();
});

test("the protocol's example gives its values; an answer, a wrong sum and a wrong end give none", async () => {
  const device = new Mouthpiece();
  const sensor = sensorOn(new SimulatedSerialLine(device));
  await sensor.open(stop.signal);
  const { readings } = listenTo(sensor, stop.signal);
  const [wrongSum, wrongEnd] = [hex(frames.data), hex(frames.data)];
  wrongSum[2] = 0xd5;
  wrongEnd[9] = 0xba;
  device.say(Buffer.concat([hex('aa'), wrongSum, hex(frames.sleepAnswer), wrongEnd, hex('c0 aa'), hex(frames.data)]));
  await clock.advance(0);
  expect(readings).toEqual([{ metrics: frames.values, missing: [] }]);
  await sensor.close();
});

test('the lowest and the highest value are values, and one beyond is missing', async () => {
  const device = new Mouthpiece();
  const sensor = sensorOn(new SimulatedSerialLine(device));
  await sensor.open(stop.signal);
  const { readings } = listenTo(sensor, stop.signal);
  device.say(frameOf(0, 9999));
  device.say(frameOf(10_000, 0xffff));
  await clock.advance(0);
  expect(readings).toEqual([
    { metrics: { particulate_matter: 0, pm10: 999.9 }, missing: [] },
    { metrics: {}, missing: ['particulate_matter', 'pm10'] },
  ]);
  await sensor.close();
});

test('a silence longer than it ever is means a restart, though stray bytes came meanwhile', async () => {
  const device = new Mouthpiece();
  const sensor = sensorOn(new SimulatedSerialLine(device), { warmup: '30s' });
  await sensor.open(stop.signal);
  const { readings } = listenTo(sensor, stop.signal);
  for (let count = 0; count < 21; count += 1) {
    await clock.advance(1500);
    device.say(hex(frames.data));
  }
  await clock.advance(0);
  expect(readings.at(-1)?.metrics).toEqual(frames.values);
  await clock.advance(1000);
  device.say(hex('00'));
  await clock.advance(1000);
  device.say(hex(frames.data));
  await clock.advance(0);
  const why = 'warming up: no value is stable in the first 30 s after its fan was started';
  expect(readings.at(-1)).toMatchObject({ metrics: {}, why });
  await sensor.close();
});

test('with rests it measures a while after each warm-up, sleeps, and says nothing wrong in between', async () => {
  const device = new Sds011Talker({ clock, truth: () => 50 });
  const sensor = sensorOn(new SimulatedSerialLine(device, { baud: 9600 }), { warmup: '30s', rest: '2m' });
  await sensor.open(stop.signal);
  const { readings } = listenTo(sensor, stop.signal);
  await clock.advance(29_000);
  expect([readings, device.isAsleep]).toEqual([[], false]);
  await clock.advance(10_000);
  expect(device.isAsleep).toBe(true);
  const first = readings.length;
  expect(first).toBeGreaterThan(3);
  await clock.advance(110_000);
  expect([readings.length, device.isAsleep]).toEqual([first, true]);
  await clock.advance(60_000);
  expect(readings.length).toBeGreaterThan(first + 3);
  for (const { metrics } of readings) expect(metrics).toEqual({ particulate_matter: 50, pm10: 50 });
  await sensor.close();
  await clock.advance(300_000);
  expect(device.isAsleep, 'nobody wakes it after it was closed').toBe(true);
});

test('one that does not wake from its rest is silent', async () => {
  const device = new Sds011Talker({ clock, truth: () => 50 });
  const line = new SimulatedSerialLine(device, { baud: 9600 });
  const sensor = sensorOn(line, { warmup: '30s', rest: '1m' });
  await sensor.open(stop.signal);
  const { end } = listenTo(sensor, stop.signal);
  await clock.advance(40_000);
  line.powerDown();
  await clock.advance(80_000);
  expect(await end).toMatchObject({ code: 'PORT_SILENT' });
  await sensor.close();
  expect(clock.pendingTimers).toBe(0);
});

test('one that is unplugged while it rests is lost', async () => {
  const device = new Sds011Talker({ clock, truth: () => 50 });
  const line = new SimulatedSerialLine(device, { baud: 9600 });
  const sensor = sensorOn(line, { warmup: '30s', rest: '1m' });
  await sensor.open(stop.signal);
  const { end } = listenTo(sensor, stop.signal);
  await clock.advance(40_000);
  line.unplug();
  expect(await end).toMatchObject({ code: 'PORT_LOST' });
  await sensor.close();
});
