import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Bme280Chip } from '../../sim/chips/bme280.ts';
import { SimulatedPi } from '../simulated-pi.ts';

const examples = join(import.meta.dirname, '../../examples');
const city = join(examples, 'city.yaml');
const buoy = join(examples, 'buoy.yaml');
/** A shower over the city, on a morning in March; ticks come at whole seconds. */
const START = Date.UTC(2026, 2, 4, 9, 59, 59, 500);
const TICKS = 600;
/** The gas sensor and the fan of the dust sensor need no longer for their first values. */
const WARM_UP = 40;

const CITY = [
  'temperature',
  'humidity',
  'pressure',
  'air_quality',
  'particulate_matter',
  'noise_level',
  'illuminance',
  'wind_speed',
  'rainfall',
];
const BUOY = ['wind_speed', 'wind_direction', 'pressure', 'battery_voltage', 'battery_current'];
const BUOY_NOW_AND_THEN = [
  'water_temperature',
  'hull_humidity',
  'cpu_temperature',
  'disk_free',
  'under_voltage',
  'uptime',
];

async function ran(
  file: string,
  ticks: number,
  before: (pi: SimulatedPi) => void = () => undefined,
): Promise<SimulatedPi> {
  const pi = new SimulatedPi(file, START);
  before(pi);
  await pi.run(ticks);
  await pi.stop();
  return pi;
}

/** One run for all that only look at it. */
const cityRun = ran(city, TICKS);

test('600 ticks of the city: nine metrics through their drivers and buses, each as true as its data sheet says', async () => {
  const pi = await cityRun;
  expect(pi.samples).toHaveLength(TICKS);
  expect(pi.untrue).toEqual([]);
  for (const { metrics, flags } of pi.samples.slice(WARM_UP)) {
    expect(Object.keys(metrics)).toEqual(expect.arrayContaining(CITY));
    expect(flags).toEqual({});
  }
  // The truth is not one number a metric, or a stuck sensor would be as true.
  const [first, last] = [pi.samples[WARM_UP], pi.samples.at(-1)];
  for (const metric of CITY.filter((name) => name !== 'rainfall')) {
    expect(last?.metrics[metric], metric).not.toBe(first?.metrics[metric]);
  }
});

test('the rain of 600 ticks is what fell, to one tip of the bucket', async () => {
  const pi = await cityRun;
  const sum = (values: readonly unknown[]): number => values.reduce<number>((all, value) => all + Number(value), 0);
  const fallen = sum([...pi.truths.values()].map((moment) => moment.rainfall));
  const measured = sum(pi.samples.map(({ metrics }) => metrics.rainfall));
  expect(fallen).toBeGreaterThan(1);
  expect(Math.abs(measured - fallen)).toBeLessThan(0.2);
});

test('600 ticks of the buoy: wind, water, pressure, place, battery and health, each as true as its data sheet says', async () => {
  const pi = await ran(buoy, TICKS);
  expect(pi.samples).toHaveLength(TICKS);
  expect(pi.untrue).toEqual([]);
  for (const { metrics, flags, location } of pi.samples.slice(5)) {
    expect(Object.keys(metrics)).toEqual(expect.arrayContaining(BUOY));
    expect(flags).toEqual({});
    expect(location).toBeDefined();
  }
  for (const metric of BUOY_NOW_AND_THEN) {
    const having = pi.samples.filter(({ metrics }) => Object.hasOwn(metrics, metric));
    expect(having.length, metric).toBeGreaterThanOrEqual(TICKS / 10 - 2);
  }
});

test('another seed is another world, and it is as true', async () => {
  const [one, other] = [new SimulatedPi(city, START, 1), new SimulatedPi(city, START, 8)];
  for (const pi of [one, other]) {
    await pi.run(60);
    await pi.stop();
    expect(pi.untrue).toEqual([]);
  }
  expect(other.samples[50]?.metrics).not.toEqual(one.samples[50]?.metrics);
});

/** A chip whose memory says one trimming while its elements follow another: they are not of one chip. */
class MixedUpBme280 extends Bme280Chip {
  protected override burn(): void {
    super.burn();
    this.registers.writeUInt16LE(this.registers.readUInt16LE(0x88) + 200, 0x88);
  }
}

test('the witness notices a chip whose trimming words are not those of its physics', async () => {
  const pi = await ran(city, 30, ({ simulation, clock }) => {
    const surroundings = simulation.sites[0]?.sensors.find(({ settings }) => settings.driver.name === 'bme280');
    if (surroundings === undefined) throw new Error('the city has a BME280');
    simulation.machine.bus('i2c-1').attach(new MixedUpBme280({ clock, truth: surroundings.truth }));
  });
  expect(pi.untrue.some((line) => line.includes('temperature is'))).toBe(true);
  expect(pi.untrue.some((line) => line.includes('illuminance is'))).toBe(false);
});

test('the witness notices a value that comes from another moment', async () => {
  const pi = await ran(city, 180, ({ simulation, clock }) => {
    clock.after(10_000, () => simulation.machine.bus('i2c-1').trouble(0x48, 'stuck'));
  });
  expect(pi.untrue.some((line) => line.includes('noise_level is'))).toBe(true);
  expect(pi.untrue.some((line) => line.includes('temperature is'))).toBe(false);
});

test('a chip that is pulled out is missing, one that hangs holds up nobody else for long, and both come back', async () => {
  const pi = new SimulatedPi(city, START);
  const bus = pi.simulation.machine.bus('i2c-1');
  const port = pi.simulation.machine.serialPaths[0] as string;
  await pi.run(60);
  bus.trouble(0x58, 'nack');
  pi.simulation.machine.serial(port)?.unplug();
  await pi.clock.advance(60_000);
  const during = pi.samples.at(-1);
  expect(during?.flags).toMatchObject({ air_quality: 9, particulate_matter: 9 });
  expect(Object.keys(during?.metrics ?? {})).toEqual(
    expect.arrayContaining(['temperature', 'noise_level', 'wind_speed']),
  );
  bus.trouble(0x58, undefined);
  pi.simulation.machine.serial(port)?.plug();
  await pi.clock.advance(120_000);
  expect(pi.samples.at(-1)?.flags).toEqual({});
  expect(pi.untrue).toEqual([]);
  await pi.stop();
});
