import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { MooringError } from '../../runtime/errors.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { SteppedClock } from '../../sim/clock.ts';
import { SimulatedHost } from '../../sim/pi/host.ts';
import { LogLines } from '../../test/log-lines.ts';
import { HeldMemory } from '../../test/no-ports.ts';
import { HostPorts } from '../../test/simulated-host-ports.ts';
import type { HostSystem, PolledSensor } from '../driver.ts';
import { system } from './system.ts';

interface Recorded {
  readonly files: Readonly<Record<string, string>>;
  readonly expected: Readonly<Record<string, number | boolean>>;
}

interface Worn {
  readonly cases: readonly {
    readonly life_time: string;
    readonly pre_eol_info: string;
    readonly life: number | null;
  }[];
}

function fixture<T>(name: string): T {
  return JSON.parse(readFileSync(join(import.meta.dirname, 'fixtures', name), 'utf8')) as T;
}

const pi = fixture<Recorded>('pi-4.json');
const modem = fixture<Readonly<Record<string, unknown>>>('modem.json');
const { signal } = new AbortController();

function recordedPi(): SimulatedHost {
  const host = new SimulatedHost();
  for (const [path, text] of Object.entries(pi.files)) host.file(path, text);
  host.disk('/', () => ({ freeBytes: 20e9, totalBytes: 32e9 }));
  return host;
}

async function opened(host: HostSystem, options: object = {}): Promise<{ sensor: PolledSensor; log: LogLines }> {
  const log = new LogLines();
  const sensor = system.create(system.options.parse(options), {
    clock: new SteppedClock(),
    random: new SeededRandom(1),
    log,
    ports: new HostPorts(host),
    memory: new HeldMemory(),
  }) as PolledSensor;
  await sensor.open(signal);
  return { sensor, log };
}

test('it reads what a Raspberry Pi says of itself, and leaves out what a Pi with an SD card does not have', async () => {
  const { sensor } = await opened(recordedPi());
  const { metrics, missing } = await sensor.sample(signal);
  expect(Object.keys(metrics).sort()).toEqual(Object.keys(pi.expected).sort());
  for (const [name, value] of Object.entries(pi.expected)) {
    if (typeof value === 'number') expect(metrics[name], name).toBeCloseTo(value, 3);
    else expect(metrics[name], name).toBe(value);
  }
  expect(missing).toEqual([]);
});

test('what it had at the opening and cannot be read later is missing, each by itself, and comes back', async () => {
  const host = recordedPi();
  const { sensor, log } = await opened(host);
  host.file('/sys/class/thermal/thermal_zone0/temp', undefined);
  host.file('/proc/loadavg', 'nonsense');
  for (let count = 0; count < 3; count += 1) {
    const { metrics, missing = [] } = await sensor.sample(signal);
    expect([...missing].sort()).toEqual(['cpu_temperature', 'system_load']);
    expect(metrics.uptime).toBe(86412.55);
  }
  const silence = 'warn: a part of the machine tells nothing of itself';
  expect(log.told).toEqual([silence, silence]);
  host.file('/sys/class/thermal/thermal_zone0/temp', '51000\n');
  host.file('/proc/loadavg', pi.files['/proc/loadavg']);
  const { metrics, missing } = await sensor.sample(signal);
  expect(metrics).toMatchObject({ cpu_temperature: 51, system_load: 0.34 });
  expect(missing).toEqual([]);
});

test('a zone that is not the processor, a battery say, is not its temperature', async () => {
  const host = recordedPi();
  host.file('/sys/class/thermal/thermal_zone0/type', 'acpitz\n');
  expect((await (await opened(host)).sensor.sample(signal)).metrics).not.toHaveProperty('cpu_temperature');
  host.file('/sys/class/thermal/thermal_zone1/type', 'x86_pkg_temp\n');
  host.file('/sys/class/thermal/thermal_zone1/temp', '-5000\n');
  expect((await (await opened(host)).sensor.sample(signal)).metrics).toHaveProperty('cpu_temperature', -5);
});

test.each(fixture<Worn>('emmc.json').cases)(
  'an eMMC that says $life_time and $pre_eol_info has $life % of its life left',
  async ({ life_time, pre_eol_info, life }) => {
    const host = recordedPi();
    host.file('/sys/block/mmcblk1/device/life_time', life_time);
    host.file('/sys/block/mmcblk1/device/pre_eol_info', pre_eol_info);
    host.file('/sys/block/mmcblk1boot0/device/life_time', 'not asked');
    const { metrics, missing } = await (await opened(host)).sensor.sample(signal);
    expect(metrics.flash_life ?? null).toBe(life);
    expect(missing).toEqual([]);
  },
);

test('a supply that was too low since the last look is told', async () => {
  const host = recordedPi();
  const { sensor } = await opened(host);
  host.file('/sys/class/hwmon/hwmon1/in0_lcrit_alarm', '1\n');
  expect((await sensor.sample(signal)).metrics.under_voltage).toBe(true);
});

test('the offset of a clock that follows no time yet is absent, and missing once it has stopped following', async () => {
  const host = recordedPi();
  const { sensor } = await opened(host);
  expect(await sensor.sample(signal)).toMatchObject({ missing: [] });
  host.offsetS = -0.0021;
  expect((await sensor.sample(signal)).metrics.clock_offset).toBe(-0.0021);
  host.offsetS = undefined;
  expect((await sensor.sample(signal)).missing).toEqual(['clock_offset']);
});

test('only what is asked for is read, from the file system that is named', async () => {
  const host = recordedPi();
  host.disk('/data', () => ({ freeBytes: 1, totalBytes: 4 }));
  const { sensor } = await opened(host, { path: '/data', only: ['disk_free'] });
  expect(await sensor.sample(signal)).toEqual({ metrics: { disk_free: 25 }, missing: [] });
});

test('a machine without anything gives nothing, and no flag', async () => {
  const { sensor } = await opened(new SimulatedHost());
  expect(await sensor.sample(signal)).toEqual({ metrics: {}, missing: [] });
});

test('a modem gives its state at once, and its power when its manager has been told to ask for it', async () => {
  const host = recordedPi();
  const calls: string[] = [];
  let power: unknown = modem.before_setup;
  host.program('mmcli', (args) => {
    calls.push(args.join(' '));
    if (args.includes('--signal-setup=30')) power = modem.lte;
    return JSON.stringify(args.includes('--signal-get') ? power : modem.modem);
  });
  const { sensor } = await opened(host, { only: ['uptime'], modem: true });
  const first = await sensor.sample(signal);
  expect(first).toMatchObject({ metrics: { modem_state: 'connected' }, missing: ['modem_signal'] });
  expect((await sensor.sample(signal)).metrics).toMatchObject({ modem_state: 'connected', modem_signal: -67 });
  expect(calls.filter((call) => call.includes('setup'))).toHaveLength(1);
  power = modem.gsm_with_comma;
  expect((await sensor.sample(signal)).metrics.modem_signal).toBe(-67.5);
  power = modem.nr;
  expect((await sensor.sample(signal)).metrics.modem_signal).toBe(-104);
});

test('a modem that is unplugged is missing, and so is one that says what nobody understands', async () => {
  const host = recordedPi();
  host.program('mmcli', (args) => {
    if (args[0] === '--version') return 'mmcli 1.20.4';
    throw new MooringError('SENSOR_FAILED', 'the program failed');
  });
  const { sensor } = await opened(host, { only: ['uptime'], modem: true });
  const bothMissing = { metrics: { uptime: 86412.55 }, missing: ['modem_signal', 'modem_state'] };
  expect(await sensor.sample(signal)).toEqual(bothMissing);
  host.program('mmcli', () => 'no JSON');
  expect(await sensor.sample(signal)).toEqual(bothMissing);
  host.program('mmcli', () => '{"modem":{"generic":7}}');
  expect(await sensor.sample(signal)).toEqual(bothMissing);
});

test('without ModemManager a modem that was asked for is absent, and the log says why', async () => {
  const { sensor, log } = await opened(recordedPi(), { only: ['uptime'], modem: true });
  expect(await sensor.sample(signal)).toEqual({ metrics: { uptime: 86412.55 }, missing: [] });
  expect(log.told).toEqual(['warn: there is no ModemManager on this machine']);
});

test('told to stop, it does not take that for a machine that has nothing', async () => {
  const { sensor } = await opened(recordedPi());
  const stop = new AbortController();
  stop.abort(new MooringError('DEADLINE', 'too late'));
  await expect(sensor.sample(stop.signal)).rejects.toThrow('too late');
  await expect(sensor.open(stop.signal)).rejects.toThrow('too late');
});
