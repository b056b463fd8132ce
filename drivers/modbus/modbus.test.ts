import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { silentLog } from '../../runtime/log.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { SteppedClock } from '../../sim/clock.ts';
import { SimulatedSerialLine } from '../../sim/serial-line.ts';
import { RegisterBank } from '../../sim/talkers/modbus-registers.ts';
import { ModbusRtuUnits } from '../../sim/talkers/modbus-rtu.ts';
import { ModbusTcpServer } from '../../sim/talkers/modbus-tcp.ts';
import { ModbusLinePorts } from '../../test/modbus-stage.ts';
import { HeldMemory } from '../../test/no-ports.ts';
import { hex, Mouthpiece } from '../../test/serial-mouth.ts';
import type { PolledSensor, Ports, Reading } from '../driver.ts';
import { modbus } from './modbus.ts';

interface Examples {
  readonly requests: readonly {
    readonly kind: 'holding' | 'input';
    readonly register: number;
    readonly request: string;
    readonly answer: string;
    readonly words: readonly number[];
  }[];
}

const { requests } = JSON.parse(
  readFileSync(join(import.meta.dirname, 'fixtures', 'examples.json'), 'utf8'),
) as Examples;
const never = new AbortController().signal;
const RTU = { port: '/dev/rs485' };

function sensorOn(ports: Ports, clock: SteppedClock, options: object): PolledSensor {
  const context = { clock, random: new SeededRandom(1), log: silentLog, ports, memory: new HeldMemory() };
  return modbus.create(modbus.options.parse(options), context) as PolledSensor;
}

/** What a call comes to within a second. */
async function within<T>(clock: SteppedClock, work: Promise<T>): Promise<T | Error> {
  const outcome = work.catch((error: Error) => error);
  for (let passedMs = 0; passedMs < 1000; passedMs += 5) await clock.advance(5);
  return await outcome;
}

test.each(requests)(
  'the example of the standard goes over the line byte for byte: $request',
  async ({ kind, register, request, answer, words }) => {
    const clock = new SteppedClock();
    const device = new Mouthpiece();
    const line = new SimulatedSerialLine(device, { baud: 9600 });
    const registers = words.map((_, index) => ({ metric: `x_${index}`, register: register + index, kind }));
    const sensor = sensorOn(new ModbusLinePorts(line, clock), clock, { rtu: RTU, unit: 17, registers });
    const opening = within(clock, sensor.open(never));
    await clock.advance(10);
    expect(Buffer.from(device.heard)).toEqual(hex(request));
    device.say(hex(answer));
    expect(await opening).toBeUndefined();
    const sampling = within(clock, sensor.sample(never));
    await clock.advance(10);
    device.say(hex(answer));
    const { metrics } = (await sampling) as Reading;
    expect(Object.values(metrics)).toEqual(words);
    await sensor.close();
  },
);

function meter() {
  const clock = new SteppedClock();
  const registers = new RegisterBank();
  registers.put('input', 0, () => [0xff9c, 500]);
  registers.put('input', 10, () => [0x7fc0, 0]);
  registers.put('holding', 0, () => [1]);
  const unit = { registers };
  return { clock, registers, unit };
}

const MAP = [
  { metric: 'temperature', register: 0, kind: 'input', type: 'int16', scale: 0.1 },
  { metric: 'humidity', register: 1, kind: 'input', scale: 0.1, range: [0, 100] },
  { metric: 'door_open', register: 0 },
];

test('numbers are scaled, neighbours are read together, and a boolean metric is one; over TCP as over a line', async () => {
  const { clock, unit } = meter();
  const units = new ModbusRtuUnits({ clock, units: { 1: unit } });
  const rtu = sensorOn(new ModbusLinePorts(new SimulatedSerialLine(units), clock), clock, { rtu: RTU, registers: MAP });
  const server = new ModbusTcpServer({ clock, units: { 1: unit } });
  const tcp = sensorOn(new ModbusLinePorts(server, clock), clock, { tcp: { host: 'meter' }, registers: MAP });
  for (const sensor of [rtu, tcp]) {
    expect(await within(clock, sensor.open(never))).toBeUndefined();
    expect(await within(clock, sensor.sample(never))).toEqual({
      metrics: { temperature: -10, humidity: 50, door_open: true },
      missing: [],
    });
    await sensor.close();
  }
  expect(units.requests).toBe(4);
});

test('a float that is no number, and a value beyond its range, is missing', async () => {
  const { clock, unit, registers } = meter();
  const server = new ModbusTcpServer({ clock, units: { 1: unit } });
  registers.put('input', 1, () => [1001]);
  const map = [...MAP, { metric: 'pressure', register: 10, kind: 'input', type: 'float32' }];
  const sensor = sensorOn(new ModbusLinePorts(server, clock), clock, { tcp: { host: 'meter' }, registers: map });
  await within(clock, sensor.open(never));
  expect(await within(clock, sensor.sample(never))).toEqual({
    metrics: { temperature: -10, door_open: true },
    missing: ['humidity', 'pressure'],
  });
  await sensor.close();
});

test('registers that the device refuses are missing, and the others given; one that refuses all has failed', async () => {
  const { clock, unit } = meter();
  const server = new ModbusTcpServer({ clock, units: { 1: unit } });
  const ports = new ModbusLinePorts(server, clock);
  const wrong = { metric: 'co2', register: 99 };
  const some = sensorOn(ports, clock, { tcp: { host: 'meter' }, registers: [...MAP, wrong] });
  await within(clock, some.open(never));
  expect(await within(clock, some.sample(never))).toMatchObject({ metrics: { temperature: -10 }, missing: ['co2'] });
  const none = sensorOn(ports, clock, { tcp: { host: 'meter' }, registers: [wrong] });
  expect(await within(clock, none.open(never))).toMatchObject({ code: 'SENSOR_FAILED', context: { exception: 2 } });
});

test.each([
  [{ registers: MAP }, 'needs either `rtu` or `tcp`'],
  [{ registers: MAP, rtu: RTU, tcp: { host: 'meter' } }, 'needs either `rtu` or `tcp`'],
  [{ registers: MAP, rtu: RTU, unit: 0 }, 'is no number of a device on a line: 1 to 247'],
  [{ registers: [{ metric: 'temperature', register: 0, range: [5, 5] }], rtu: RTU }, 'does not begin below its end'],
])('%j is refused', (options, message) => {
  const { error } = modbus.options.safeParse(options);
  expect(error?.issues.map((issue) => issue.message)).toEqual([message]);
});
