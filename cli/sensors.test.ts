import { EventEmitter } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';
import { busesOf } from '../daemon/buses/buses.ts';
import { loadGatewayConfig } from '../daemon/config/config.ts';
import { DRIVERS } from '../drivers/index.ts';
import { silentLog } from '../runtime/log.ts';
import { SeededRandom } from '../runtime/random.ts';
import { Bme280Chip } from '../sim/chips/bme280.ts';
import { Sht4xChip } from '../sim/chips/sht4x.ts';
import { SteppedClock } from '../sim/clock.ts';
import { SimulatedMachine } from '../sim/pi/machine.ts';
import { simulate } from '../sim/pi/simulated-machine.ts';
import type { Host } from './host.ts';
import { snippetOf } from './sensors/snippet.ts';
import { type LineNames, type Survey, survey } from './sensors/survey.ts';
import { runSensors, textOf } from './sensors.ts';

const clock = new SteppedClock();
const { signal } = new AbortController();

function configuration(...sensors: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'mooring-sensors-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'mooring.yaml');
  const list = sensors.map((sensor) => `      - ${sensor}\n`).join('');
  writeFileSync(
    file,
    `gateway: desk\nstations:\n  - name: a\n    sensors:\n${list}actuators:\n  red: { gpio: GPIO27, limit: 1m }\nstore: { path: store.db }\n`,
  );
  return file;
}

/** Runs the clock until the work is done. */
async function done<T>(work: Promise<T>): Promise<T> {
  let isDone = false;
  const note = (): void => {
    isDone = true;
  };
  work.then(note, note);
  for (let step = 0; step < 10_000 && !isDone; step += 1) await clock.advance(5);
  return await work;
}

async function surveyed(file: string, machine: SimulatedMachine, mayAsk = true): Promise<Survey> {
  const buses = busesOf({ machine, clock, log: silentLog });
  const config = loadGatewayConfig(file);
  const listLines = async (): Promise<readonly LineNames[]> =>
    await Promise.resolve(machine.lines.map((name) => [name]));
  const found = await done(survey({ config, drivers: DRIVERS, machine, buses, listLines, mayAsk, signal }));
  await done(buses.close());
  return found;
}

test('chips are recognised by what they are, and what is not in the configuration yet can be pasted into it', async () => {
  const file = configuration('{ driver: bme280, bus: i2c-1, address: 0x76 }');
  const { machine } = simulate(loadGatewayConfig(file), { clock, log: silentLog });
  machine.bus('i2c-1').attach(new Sht4xChip({ clock, truth: () => 20, address: 0x45 }));
  machine.bus('i2c-2').attach(new Bme280Chip({ clock, truth: () => 20, address: 0x77 }));
  machine.host.file('/dev/i2c-2', '');
  const found = await surveyed(file, machine);
  expect(found.i2c).toEqual([
    {
      bus: 'i2c-1',
      chips: [
        { bus: 'i2c-1', address: 0x45, answers: true, recognised: ['sht4x'], possible: [] },
        { bus: 'i2c-1', address: 0x76, answers: true, recognised: ['bme280'], possible: [], usedBy: 'a: bme280' },
      ],
    },
    {
      bus: 'i2c-2',
      chips: [{ bus: 'i2c-2', address: 0x77, answers: true, recognised: ['bme280'], possible: [] }],
    },
  ]);
  const { sensors } = parse(snippetOf(found, DRIVERS)) as { readonly sensors: readonly object[] };
  expect(sensors).toEqual([
    { driver: 'sht4x', bus: 'i2c-1', address: 0x45 },
    { driver: 'bme280', bus: 'i2c-1', address: 0x76 },
    { driver: 'bme280', bus: 'i2c-2', address: 0x77 },
  ]);
});

test('a chip behind a multiplexer of the configuration is found on its channel', async () => {
  const file = configuration('{ driver: bme280, bus: i2c-1, mux: { address: 0x70, channel: 3 } }');
  const { machine } = simulate(loadGatewayConfig(file), { clock, log: silentLog });
  machine.bus('i2c-1').attach(new Sht4xChip({ clock, truth: () => 20 }), { address: 0x70, channel: 5 });
  const [bus] = (await surveyed(file, machine)).i2c;
  expect(bus?.chips.map(({ mux, recognised, usedBy }) => [mux?.channel, recognised, usedBy])).toEqual([
    [3, ['bme280'], 'a: bme280'],
    [5, ['sht4x'], undefined],
  ]);
});

test('what nobody recognises, and what the configuration names and is not there, is shown as such', async () => {
  const file = configuration(
    '{ driver: bh1750, bus: i2c-1 }',
    '{ driver: sgp30, bus: i2c-1 }',
    '{ driver: sht4x, bus: i2c-9 }',
  );
  const { machine } = simulate({ stations: [] }, { clock, log: silentLog });
  // Only acknowledges.
  machine.bus('i2c-1').attach({ address: 0x3c, write: () => undefined, read: (length) => new Uint8Array(length) });
  const found = await surveyed(file, machine);
  expect(found.i2c[0]?.chips).toEqual([
    { bus: 'i2c-1', address: 0x23, answers: false, recognised: [], possible: ['bh1750'], usedBy: 'a: bh1750' },
    { bus: 'i2c-1', address: 0x3c, answers: true, recognised: [], possible: [] },
    { bus: 'i2c-1', address: 0x58, answers: false, recognised: [], possible: ['sgp30'], usedBy: 'a: sgp30' },
  ]);
  expect(found.i2c[1]).toMatchObject({ bus: 'i2c-9', chips: [], error: expect.stringContaining('PORT_ABSENT') });
  expect(snippetOf(found, DRIVERS)).toBe('');
});

test('while a gateway is at work no chip is asked anything but whether it is there', async () => {
  const file = configuration('{ driver: bme280, bus: i2c-1 }');
  const { machine } = simulate(loadGatewayConfig(file), { clock, log: silentLog });
  const [bus] = (await surveyed(file, machine, false)).i2c;
  expect(bus?.chips).toMatchObject([{ address: 0x76, answers: true, recognised: [], usedBy: 'a: bme280' }]);
});

test('serial ports, 1-Wire devices and lines are listed with who has them', async () => {
  const file = configuration('{ driver: nmea0183, port: /dev/serial/by-id/gps }');
  const machine = new SimulatedMachine(clock);
  for (const name of ['gps', 'dust']) machine.host.file(`/dev/serial/by-id/${name}`, '');
  machine.line('GPIO27');
  machine.line('GPIO22');
  const found = await surveyed(file, machine);
  expect(found).toMatchObject({
    serial: [{ name: '/dev/serial/by-id/dust' }, { name: '/dev/serial/by-id/gps', usedBy: 'a: nmea0183' }],
    gpio: [{ name: 'GPIO27', usedBy: 'actuator red' }, { name: 'GPIO22' }],
  });
  expect(snippetOf(found, DRIVERS)).toContain(
    '# - { driver: ?, port: /dev/serial/by-id/dust }  # one of nmea0183, pms5003',
  );
});

test('a line that is to be used and is not there is shown as such; one by its offset is found, named or not', async () => {
  const pulses = (line: string, metric: string): string =>
    `{ driver: pulse-counter, gpio: ${line}, per_pulse: 1, metric: ${metric} }`;
  const file = configuration(pulses('gpio5', 'rainfall'), pulses('soc/6', 'humidity'), pulses('soc/7', 'co2'));
  const machine = new SimulatedMachine(clock);
  const buses = busesOf({ machine, clock, log: silentLog });
  const config = loadGatewayConfig(file);
  const lines = [['GPIO5', 'soc/5'], ['GPIO6', 'soc/6'], ['soc/7'], ['soc/8']];
  const listLines = async (): Promise<readonly LineNames[]> => await Promise.resolve(lines);
  const { gpio } = await done(survey({ config, drivers: DRIVERS, machine, buses, listLines, mayAsk: true, signal }));
  await done(buses.close());
  expect(gpio).toEqual([
    { name: 'GPIO5' },
    { name: 'soc/6', usedBy: 'a: pulse-counter' },
    { name: 'soc/7', usedBy: 'a: pulse-counter' },
    { name: 'gpio5', usedBy: 'a: pulse-counter', answers: false },
    { name: 'GPIO27', usedBy: 'actuator red', answers: false },
  ]);
  const text = textOf({ i2c: [], serial: [], one_wire: [], gpio }, '');
  expect(text).toContain('  GPIO27  actuator red      no answer\n  free    GPIO5\n');
});

test('`mooring sensors --simulate` prints a table and what can be pasted, or one object', async () => {
  const file = configuration(
    '{ driver: bme280, bus: i2c-1 }',
    '{ driver: pulse-counter, gpio: GPIO5, per_pulse: 0.2 }',
  );
  const table = await printed(file, { simulate: true, json: false });
  expect(table).toMatch(/^I²C i2c-1\n {2}0x76 {2}bme280 {2}a: bme280\n/);
  expect(table).toContain('- { driver: bme280, bus: i2c-1, address: 0x76 }  # in use: a: bme280\n');
  expect(table).toMatch(/GPIO\n {2}GPIO5 {3}a: pulse-counter\n/);
  const json = JSON.parse(await printed(file, { simulate: true, json: true })) as Survey & { readonly yaml: string };
  expect(json.i2c[0]?.chips).toHaveLength(1);
  expect(json.yaml).toContain('driver: bme280');
});

async function printed(file: string, options: { readonly simulate: boolean; readonly json: boolean }): Promise<string> {
  let out = '';
  const host: Host = {
    clock,
    random: new SeededRandom(1),
    version: '0',
    env: {},
    pid: 1,
    stop: signal,
    streams: { out: { write: (text) => (out += text) }, err: { write: () => undefined } },
    exits: new EventEmitter(),
  };
  expect(await done(runSensors(file, options, host))).toBe(0);
  return out;
}
