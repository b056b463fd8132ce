import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { silentLog } from '../../runtime/log.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { SteppedClock } from '../../sim/clock.ts';
import { SimulatedSerialLine } from '../../sim/serial-line.ts';
import { Pms5003Talker } from '../../sim/talkers/pms5003.ts';
import { HeldMemory } from '../../test/no-ports.ts';
import { SerialLinePorts } from '../../test/serial-line-ports.ts';
import { hex, listenTo, Mouthpiece } from '../../test/serial-mouth.ts';
import type { PushedSensor } from '../driver.ts';
import { pms5003 } from './pms5003.ts';

interface Frames {
  readonly data: string;
  readonly values: Readonly<Record<string, number>>;
  readonly commands: Readonly<Record<'sleep' | 'wake' | 'passive' | 'active', string>>;
  readonly passiveAnswer: string;
}

const frames = JSON.parse(readFileSync(join(import.meta.dirname, 'fixtures', 'frames.json'), 'utf8')) as Frames;
const frame = hex(frames.data);
const ALL = ['pm1', 'particulate_matter', 'pm10'];

let clock: SteppedClock;
let stop: AbortController;

beforeEach(() => {
  clock = new SteppedClock();
  stop = new AbortController();
});

function sensorOn(line: SimulatedSerialLine, warmup = '0s'): PushedSensor {
  const ports = new SerialLinePorts(line, clock);
  const context = { clock, random: new SeededRandom(1), log: silentLog, ports, memory: new HeldMemory() };
  return pms5003.create(pms5003.options.parse({ port: '/dev/dust', warmup }), context) as PushedSensor;
}

/** A frame with other words at some places, its sum right again. */
function changed(...words: readonly (readonly [at: number, word: number])[]): Buffer {
  const bytes = Buffer.from(frame);
  for (const [at, word] of words) bytes.writeUInt16BE(word, at);
  bytes.writeUInt16BE(
    bytes.subarray(0, 30).reduce((sum, byte) => sum + byte, 0),
    30,
  );
  return bytes;
}

test('it is woken and told to speak by itself, in the words of the manual', async () => {
  const device = new Mouthpiece();
  const sensor = sensorOn(new SimulatedSerialLine(device, { baud: 9600 }));
  await sensor.open(stop.signal);
  expect(Buffer.from(device.heard)).toEqual(Buffer.concat([hex(frames.commands.wake), hex(frames.commands.active)]));
  await sensor.close();
});

test('a frame gives the three values for the open air, not those for a factory', async () => {
  const device = new Mouthpiece();
  const sensor = sensorOn(new SimulatedSerialLine(device));
  await sensor.open(stop.signal);
  const { readings } = listenTo(sensor, stop.signal);
  device.say(frame);
  await clock.advance(0);
  expect(readings).toEqual([{ metrics: frames.values, missing: [] }]);
  await sensor.close();
});

test('what is no whole frame is nothing: garbage, a wrong sum, the answer to a command', async () => {
  const device = new Mouthpiece();
  const sensor = sensorOn(new SimulatedSerialLine(device));
  await sensor.open(stop.signal);
  const { readings } = listenTo(sensor, stop.signal);
  const damaged = Buffer.from(frame);
  damaged[12] = 0x7f;
  device.say(Buffer.concat([hex('00 42 4d 00'), damaged, hex(frames.passiveAnswer), frame.subarray(0, 20)]));
  await clock.advance(0);
  expect(readings).toEqual([]);
  device.say(frame);
  await clock.advance(0);
  expect(readings.map(({ metrics }) => metrics)).toEqual([frames.values]);
  await sensor.close();
});

test('the lowest and the highest value are values, and one beyond is missing', async () => {
  const device = new Mouthpiece();
  const sensor = sensorOn(new SimulatedSerialLine(device));
  await sensor.open(stop.signal);
  const { readings } = listenTo(sensor, stop.signal);
  device.say(changed([10, 0], [12, 1000], [14, 1001]));
  device.say(changed([10, 0xffff], [12, 0xffff], [14, 0xffff]));
  await clock.advance(0);
  expect(readings).toEqual([
    { metrics: { pm1: 0, particulate_matter: 1000 }, missing: ['pm10'] },
    { metrics: {}, missing: ALL },
  ]);
  await sensor.close();
});

test('while its fan starts its values are missing, and again when it was silent for longer than it ever is', async () => {
  const device = new Mouthpiece();
  const sensor = sensorOn(new SimulatedSerialLine(device), '30s');
  await sensor.open(stop.signal);
  const { readings } = listenTo(sensor, stop.signal);
  const said: boolean[] = [];
  const say = async (afterMs: number): Promise<void> => {
    await clock.advance(afterMs);
    device.say(frame);
    await clock.advance(0);
    said.push(readings.at(-1)?.metrics.pm1 !== undefined);
  };
  for (let seconds = 0; seconds < 29; seconds += 1) await say(1000);
  expect(said).not.toContain(true);
  await say(1000);
  await say(2300);
  expect(said.slice(-2)).toEqual([true, true]);
  await say(2510);
  expect(said.at(-1)).toBe(false);
  for (let seconds = 0; seconds < 30; seconds += 1) await say(1000);
  expect(said.at(-1)).toBe(true);
  await sensor.close();
});

test('a restart is noticed though stray bytes came meanwhile, as of a line that falls and rises with the power', async () => {
  const device = new Mouthpiece();
  const sensor = sensorOn(new SimulatedSerialLine(device), '30s');
  await sensor.open(stop.signal);
  const { readings } = listenTo(sensor, stop.signal);
  for (let seconds = 0; seconds <= 31; seconds += 1) {
    await clock.advance(1000);
    device.say(frame);
  }
  await clock.advance(500);
  device.say(Buffer.concat([frame.subarray(0, 9), hex('00')]));
  await clock.advance(4000);
  device.say(hex('00 f8'));
  await clock.advance(2000);
  expect(readings.at(-1)?.missing).toEqual([]);
  for (const part of [frame.subarray(0, 25), frame.subarray(25)]) {
    device.say(part);
    await clock.advance(10);
  }
  const why = 'warming up: no value is stable in the first 30 s after its fan was started';
  expect(readings.at(-1)).toEqual({ metrics: {}, missing: ALL, why });
  await sensor.close();
});

test('a frame that is damaged is a sign of life, and no restart', async () => {
  const device = new Mouthpiece();
  const sensor = sensorOn(new SimulatedSerialLine(device), '5s');
  await sensor.open(stop.signal);
  const { readings } = listenTo(sensor, stop.signal);
  for (let count = 0; count < 6; count += 1) {
    await clock.advance(2300);
    device.say(count === 4 ? changed([10, 7]).fill(0, 30) : frame);
  }
  await clock.advance(0);
  expect(readings.slice(-2).map(({ missing }) => missing)).toEqual([[], []]);
  await sensor.close();
});

test('one that was asleep is woken', async () => {
  const device = new Pms5003Talker({ clock, truth: () => 20 });
  const line = new SimulatedSerialLine(device, { baud: 9600 });
  device.hear(hex(frames.commands.sleep));
  expect(device.isAsleep).toBe(true);
  const sensor = sensorOn(line, '30s');
  await sensor.open(stop.signal);
  const { readings } = listenTo(sensor, stop.signal);
  await clock.advance(34_000);
  expect(readings.at(-1)).toEqual({ metrics: { pm1: 20, particulate_matter: 20, pm10: 20 }, missing: [] });
  await sensor.close();
});

test('another device on the port is found out: bytes come, and no frame among them', async () => {
  const device = new Mouthpiece();
  const sensor = sensorOn(new SimulatedSerialLine(device));
  await sensor.open(stop.signal);
  const { end } = listenTo(sensor, stop.signal);
  for (let seconds = 0; seconds < 12; seconds += 1) {
    device.say(Buffer.from('$GPRMC,123519,A,4807.038,N,01131.000,E\r\n'));
    await clock.advance(1000);
  }
  expect(await end).toMatchObject({ code: 'SENSOR_FAILED', context: { port: '/dev/dust' } });
  await sensor.close();
  expect(clock.pendingTimers).toBe(0);
});

test('unplugged it is lost, and gives values again when it is back', async () => {
  const device = new Mouthpiece();
  const line = new SimulatedSerialLine(device);
  const sensor = sensorOn(line);
  await sensor.open(stop.signal);
  const before = listenTo(sensor, stop.signal);
  line.unplug();
  expect(await before.end).toMatchObject({ code: 'PORT_LOST' });
  await sensor.close();
  line.plug();
  await sensor.open(stop.signal);
  const after = listenTo(sensor, stop.signal);
  device.say(frame);
  await clock.advance(0);
  expect(after.readings).toHaveLength(1);
  stop.abort();
  expect(await after.end).toBe('ended');
  await sensor.close();
});
