/** Each driver's own sample of a configuration, on a simulated Pi. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { stringify } from 'yaml';
import { DRIVERS } from '../../drivers/index.ts';
import { DEVICES } from '../../sim/pi/devices.ts';
import { spread } from '../driver-samples.ts';
import { SimulatedPi } from '../simulated-pi.ts';

const drivers = join(import.meta.dirname, '../../drivers');
/** On whole seconds. */
const START = Date.UTC(2026, 5, 1, 9, 59, 59, 500);
/** A gas sensor warms up and a minute's sample comes around. */
const SECONDS = 130;
const NEEDS_NO_MACHINE = ['replay', 'sim'];

test('there is a simulated device for every driver that needs one', () => {
  const names = DRIVERS.map(({ name }) => name);
  expect([...Object.keys(DEVICES), ...NEEDS_NO_MACHINE].sort()).toEqual(names.sort());
});

test.each(Object.keys(DEVICES))('the sample of %s gives every metric, and each is true', async (name) => {
  const folder = mkdtempSync(join(tmpdir(), 'mooring-sample-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'mooring.yaml');
  const { stations, ...rest } = spread(readFileSync(join(drivers, name, 'sample.yaml'), 'utf8'));
  // Each sensor has a machine of its own, so that the world has its metrics under the names that the driver gives them.
  for (const station of stations) {
    writeFileSync(file, stringify({ ...rest, stations: [{ ...station, location: 'gps' }] }));
    const pi = new SimulatedPi(file, START);
    await pi.run(SECONDS);
    await pi.stop();
    expect(pi.untrue).toEqual([]);
    const given = new Set(pi.samples.flatMap(({ metrics }) => Object.keys(metrics)));
    const announced = pi.config.stations.flatMap(({ sensors }) => sensors.flatMap(({ metrics }) => metrics));
    expect([...given].sort()).toEqual(announced.toSorted());
  }
});
