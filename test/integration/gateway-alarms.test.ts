/** Alarms in a whole gateway: from the chip's registers to the buzzer, the control socket, the centre and the next start. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { askGateway } from '../../cli/control.ts';
import type { AlarmsStatus } from '../../daemon/alarms/alarms.ts';
import { Gateway } from '../../daemon/app.ts';
import { loadGatewayConfig } from '../../daemon/config/config.ts';
import { SqliteStore } from '../../daemon/store/sqlite-store.ts';
import type { Appended, AppendOptions, Current } from '../../daemon/store/store.ts';
import type { Observation } from '../../protocol/record.ts';
import { systemClock } from '../../runtime/clock.ts';
import { MooringError } from '../../runtime/errors.ts';
import { silentLog } from '../../runtime/log.ts';
import { systemRandom } from '../../runtime/random.ts';
import { Ina219Chip } from '../../sim/chips/ina219.ts';
import { SimulatedMachine } from '../../sim/pi/machine.ts';
import { eventually } from '../processes.ts';

const SOON_MS = 10_000;
const CONFIG = `
gateway: plaka
stations: [{ name: buoy, every: 50ms, sensors: [{ driver: ina219, bus: i2c-1, samples: 1 }] }]
alarms:
  - { name: flat, metric: battery_voltage, below: 11, clear: 11.5, level: critical, latch: true, do: [buzzer] }
actuators: { buzzer: { gpio: GPIO17 } }
buttons: { quiet: { gpio: GPIO23, press: ack } }
store: { path: store.db }
`;

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mooring-gateway-alarms-'));
  writeFileSync(join(folder, 'mooring.yaml'), CONFIG);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** What has been committed, over all runs of a test. */
let committed: Observation[] = [];
/** The store takes nothing before it resolves. */
let blockage: Promise<void> = Promise.resolve();
/** What comes before each attempt to open the store. */
let opening: () => Promise<void> = async () => await Promise.resolve();
beforeEach(() => {
  committed = [];
  blockage = Promise.resolve();
  opening = async () => await Promise.resolve();
});

class WatchedStore extends SqliteStore {
  override async open(): Promise<Current> {
    await opening();
    return await super.open();
  }

  override async append(observations: readonly Observation[], options: AppendOptions): Promise<Appended> {
    await blockage;
    const appended = await super.append(observations, options);
    committed.push(...observations);
    return appended;
  }
}

async function run(machine: SimulatedMachine): Promise<Gateway> {
  const gateway = new Gateway(loadGatewayConfig(join(folder, 'mooring.yaml')), {
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    version: '1.2.3',
    machine,
    storeOf: (options) => new WatchedStore(options),
  });
  await gateway.start();
  return gateway;
}

/** A machine with a battery, and a gateway that watches it. */
async function started(volts: number) {
  const battery = { volts };
  const machine = new SimulatedMachine(systemClock);
  const truth = (quantity: string): number => (quantity === 'battery_voltage' ? battery.volts : 0);
  machine.bus('i2c-1').attach(new Ina219Chip({ clock: systemClock, truth }));
  return { battery, machine, gateway: await run(machine), buzzer: machine.actuator('GPIO17') };
}

const ask = async (verb: string, parameters: Record<string, unknown> = {}) =>
  await askGateway(join(folder, 'store.db.sock'), verb, systemClock, parameters);

const stateOf = async (): Promise<string | undefined> =>
  ((await ask('alarms')) as unknown as AlarmsStatus).alarms[0]?.state;

/** What the alarm records say. */
const events = (): unknown[] => committed.filter(({ kind }) => kind === 'alarm').map(({ info }) => info?.event);

it('a chip beyond its limit is heard, shown and recorded, and can be acknowledged through the socket', async () => {
  const { battery, gateway, buzzer } = await started(12.5);
  await eventually('the battery is well', SOON_MS, async () => (await stateOf()) === 'normal');
  expect(buzzer.isOn).toBe(false);
  battery.volts = 10;
  await eventually('the buzzer sounds', SOON_MS, () => buzzer.isOn);
  expect(await stateOf()).toBe('raised');
  expect(await ask('alarm_ack', { alarm: 'flat' })).toMatchObject({ known: true, count: 1 });
  expect(buzzer.isOn).toBe(false);
  battery.volts = 12.5;
  await eventually('it is cleared', SOON_MS, async () => (await stateOf()) === 'normal');
  await gateway.stop();
  expect(events()).toEqual(['raised', 'acknowledged', 'cleared']);
  const raised = committed.find(({ info }) => info?.event === 'raised');
  expect(raised).toMatchObject({ station: 'buoy', info: { alarm: 'flat', level: 'critical', limit: 11 } });
  expect(raised?.info?.value).toBeCloseTo(10, 1);
});

it('the button acknowledges what stands', async () => {
  const { machine, gateway, buzzer } = await started(10);
  await eventually('the buzzer sounds', SOON_MS, () => buzzer.isOn);
  machine.line('GPIO23').set(0);
  await eventually('the buzzer rests', SOON_MS, () => !buzzer.isOn);
  await gateway.stop();
  expect(events()).toEqual(['raised', 'acknowledged']);
});

it('what stood when the gateway ended sounds again at the next start, before a sensor has said anything, and is no second record', async () => {
  const first = await started(10);
  await eventually('the buzzer sounds', SOON_MS, () => first.buzzer.isOn);
  await first.gateway.stop();
  expect(first.buzzer.isOn).toBe(false);
  // Its battery has no voltmeter any more.
  const machine = new SimulatedMachine(systemClock);
  const second = await run(machine);
  expect([machine.actuator('GPIO17').isOn, await stateOf()]).toEqual([true, 'raised']);
  await ask('alarm_ack');
  expect([machine.actuator('GPIO17').isOn, await stateOf()]).toEqual([false, 'acknowledged']);
  await second.stop();
  expect(events()).toEqual(['raised', 'acknowledged']);
});

it('an alarm reaches the buzzer while the store takes nothing', async () => {
  const { battery, gateway, buzzer } = await started(12.5);
  await eventually('the battery is well', SOON_MS, async () => (await stateOf()) === 'normal');
  const answer = Promise.withResolvers<void>();
  blockage = answer.promise;
  battery.volts = 10;
  await eventually('the buzzer sounds', SOON_MS, () => buzzer.isOn);
  expect(events()).toEqual([]);
  answer.resolve();
  await gateway.stop();
  expect(events()).toEqual(['raised']);
});

it('an alarm sounds though the disk is full at the start, and its record is kept when there is room', async () => {
  let isFull = true;
  opening = async () => {
    if (isFull) throw new MooringError('STORE_FULL', 'the disk is full');
    await Promise.resolve();
  };
  const { gateway, buzzer } = await started(10);
  await eventually('the buzzer sounds', SOON_MS, () => buzzer.isOn);
  expect([await stateOf(), committed]).toEqual(['raised', []]);
  isFull = false;
  await eventually('its record is kept', 2 * SOON_MS, () => events().length > 0);
  await gateway.stop();
  expect(committed.slice(0, 3).map(({ info }) => info?.event)).toEqual(['boot', 'source', 'source']);
  expect(events()).toEqual(['raised']);
});

it('what stood sounds again though the disk never answers at the start, and the gateway can be stopped', async () => {
  const first = await started(10);
  await eventually('the buzzer sounds', SOON_MS, () => first.buzzer.isOn);
  await first.gateway.stop();
  opening = async () => await new Promise<never>(() => undefined);
  const machine = new SimulatedMachine(systemClock);
  const second = await run(machine);
  expect(machine.actuator('GPIO17').isOn).toBe(true);
  await second.stop();
  expect(machine.actuator('GPIO17').isOn).toBe(false);
});
