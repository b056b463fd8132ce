import { expect, test } from 'vitest';
import type { SensorSettings, StationSettings } from '../../daemon/sampling/station.ts';
import { bme280 } from '../../drivers/bme280/bme280.ts';
import type { AnyDriver } from '../../drivers/driver.ts';
import { pulseCounter } from '../../drivers/pulse-counter/pulse-counter.ts';
import { LogLines } from '../../test/log-lines.ts';
import { SteppedClock } from '../clock.ts';
import { type Simulation, simulate } from './simulated-machine.ts';

const START = Date.UTC(2026, 2, 4, 10, 0, 0, 400);

function sensor(driver: AnyDriver, options: object, more: Partial<SensorSettings> = {}): SensorSettings {
  const common = { everyMs: 1000, deadlineMs: 500, staleMs: 10_000, rename: {} };
  return { driver, options: driver.options.parse(options), ...common, ...more };
}

function station(name: string, ...sensors: readonly SensorSettings[]): StationSettings {
  return { name, everyMs: 1000, location: undefined, sensors };
}

interface Simulated extends Simulation {
  readonly clock: SteppedClock;
  readonly log: LogLines;
  readonly lines: readonly Readonly<Record<string, unknown>>[];
}

async function run(stations: readonly StationSettings[], forMs: number): Promise<Simulated> {
  const clock = new SteppedClock(START);
  const log = new LogLines();
  const text: string[] = [];
  const simulation = simulate({ stations }, { clock, log, truth: { write: (line: string) => text.push(line) } });
  await clock.advance(forMs);
  await simulation.machine.close();
  return { ...simulation, clock, log, lines: text.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

test('the truth file has a line a station and whole second, by the names in records', async () => {
  const air = sensor(bme280, {}, { rename: { temperature: 'hall_temperature' } });
  const { lines, clock } = await run([station('a', air), station('b', sensor(bme280, { address: 0x77 }))], 2700);
  expect(lines.map(({ station: name, timestamp }) => [name, timestamp])).toEqual([
    ['a', '2026-03-04T10:00:01.000Z'],
    ['b', '2026-03-04T10:00:01.000Z'],
    ['a', '2026-03-04T10:00:02.000Z'],
    ['b', '2026-03-04T10:00:02.000Z'],
    ['a', '2026-03-04T10:00:03.000Z'],
    ['b', '2026-03-04T10:00:03.000Z'],
  ]);
  const keys = ['station', 'timestamp', 'location', 'hall_temperature', 'pressure', 'humidity'];
  expect(Object.keys(lines[0] ?? {}).sort()).toEqual(keys.sort());
  // Nothing goes on after its end.
  await clock.advance(10_000);
  expect(clock.pendingTimers).toBe(0);
});

test('two stations of one machine stand in two worlds', async () => {
  const { lines } = await run([station('a', sensor(bme280, {})), station('b', sensor(bme280, { address: 0x77 }))], 700);
  expect(lines[0]?.pressure).not.toBe(lines[1]?.pressure);
});

test('time in the world follows the monotonic clock: a step of the wall clock brings no burst of rain', async () => {
  const clock = new SteppedClock(START);
  const rain = sensor(pulseCounter, { gpio: 'GPIO5', per_pulse: 0.2 });
  const { machine, now } = simulate({ stations: [station('a', rain)] }, { clock, log: new LogLines() });
  const input = machine.line('GPIO5').input({ line: 'GPIO5', bias: 'up', edge: 'falling', debounceMs: 0 });
  const stop = new AbortController();
  await input.open(stop.signal);
  let tips = 0;
  const counting = (async () => {
    for await (const _ of input.edges(stop.signal)) tips += 1;
  })();
  clock.jumpWall(365 * 86_400_000);
  await clock.advance(60_000);
  expect(now()).toBe(START + 60_000);
  expect(tips).toBeLessThan(5);
  stop.abort();
  await counting;
  await input.close();
  await machine.close();
});

test('a bus, a port and a server that the configuration does not name are not there', async () => {
  const { machine } = await run([station('a', sensor(bme280, {}))], 0);
  await expect(machine.i2c('i2c-7').open()).rejects.toMatchObject({ code: 'ENOENT' });
  await expect(machine.openSerial({ path: '/dev/x', baud: 9600 })).rejects.toMatchObject({ code: 'ENOENT' });
  const { signal } = new AbortController();
  await expect(machine.openTcp('meter', 502, signal)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  await expect(machine.oneWire.read('28-000000000000', 'w1_slave')).rejects.toMatchObject({ code: 'ENOENT' });
});

test('a calibrated sensor shows the raw value whose calibration is the truth', async () => {
  const calibration = { id: undefined, rawUnit: '°C', terms: { offset: 2 }, apply: (raw: number) => 2 + raw };
  const calibrations = { temperature: { keepsRaw: false, at: () => calibration } };
  const { sites, now } = await run([station('a', sensor(bme280, {}, { calibrations }))], 0);
  const surroundings = sites[0]?.sensors[0];
  const record = surroundings?.trueAt('temperature', now());
  expect(surroundings?.truth('temperature')).toBeCloseTo(Number(record) - 2, 9);
  expect(surroundings?.truth('pressure')).toBe(surroundings?.trueAt('pressure', now()));
});

test('a driver without a simulated device is said once', async () => {
  const odd: AnyDriver = { ...bme280, name: 'odd' };
  const { log } = await run([station('a', sensor(odd, {}), sensor(odd, {}))], 0);
  expect(log.told).toEqual(['warn: a driver has no simulated device']);
});
