import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../runtime/clock.ts';
import type { I2cChip } from '../../sim/chips/chip.ts';
import { Ina219Chip } from '../../sim/chips/ina219.ts';
import { SimulatedI2cBus } from '../../sim/i2c-bus.ts';
import { fakeI2cLibrary } from '../../test/fakei2c/build.ts';
import { FakeI2cBus } from '../../test/fakei2c/fake-bus.ts';
import { eventually } from '../../test/processes.ts';
import type { Benchmark, Figure } from '../figure.ts';
import { quantile } from '../rounds.ts';
import type { Order, Report } from './gateway-process.ts';
import { gatewayConfig, HUNG_BUSES, TICK_MS, WELL_BUS, WELL_STATION } from './site.ts';

const GATEWAY = new URL('./gateway-process.ts', import.meta.url).pathname;
/** What is published: half a minute well, a minute hung, half a minute well. */
const TURNS = [
  { isHung: false, ms: 30_000 },
  { isHung: true, ms: 60_000 },
  { isHung: false, ms: 30_000 },
] as const;
const SETTLE_MS = 3000;
/** The longest wait before a sensor is opened again, and the opening. */
const RECOVER_MS = 60_000;
const ADDRESS = 0x40;
const [HIGH_V, LOW_V] = [14, 10];
const LIMIT_MS = 100;
/** Of a p99 to that of the gateway with nothing wrong: some thirty samples, on a machine that has other things to do. */
const GOAL_RATIO = 2;

/** What a sensor notices of all others that hang. */
export const sensorJitter: Benchmark = {
  name: 'sensor-jitter',
  about: [
    'How late a healthy sensor (INA219, five samples a second) is asked, and its alarm told to the buzzer, in milliseconds, while five',
    'I²C buses hang for a minute, each in a call of its own to /dev/i2c-N, and with them two serial ports, a Modbus line and server,',
    '1-Wire and a GPIO line. Limit: the same gateway before and after, with nothing wrong. Of DNS look-ups and file reads the longest',
    `of the gateway's process in that minute, one each 20 ms; limit: ${LIMIT_MS} ms.`,
  ],
  async run({ folder, say }) {
    const devices = join(folder, 'dev');
    mkdirSync(devices);
    const buses = new Map([...HUNG_BUSES, WELL_BUS].map((number) => [number, new SimulatedI2cBus(chip())]));
    const fakes = [...buses].map(([number, bus]) => new FakeI2cBus(devices, number, bus));
    await Promise.all(fakes.map((fake) => fake.listen()));
    const hang = (isHung: boolean): void => {
      for (const number of HUNG_BUSES) buses.get(number)?.trouble(ADDRESS, isHung ? 'hang' : undefined);
    };
    const gateway = await startGateway(folder, devices);
    try {
      const turns = await measure(gateway, hang, say);
      await stop(gateway);
      return figuresOf(turns);
    } finally {
      gateway.kill('SIGKILL');
      hang(false);
      await Promise.all(fakes.map((fake) => fake.close()));
    }
  },
};

/** Its voltage is on either side of the alarm's limit by turns, a measurement each, which three bytes begin. */
function chip(): I2cChip {
  let measurements = 0;
  const truth = (name: string): number => {
    if (name !== 'battery_voltage') return 0;
    return measurements % 2 === 0 ? HIGH_V : LOW_V;
  };
  const model = new Ina219Chip({ clock: systemClock, truth });
  return {
    address: model.address,
    write(bytes) {
      if (bytes.length === 3) measurements += 1;
      model.write(bytes);
    },
    read: (length) => model.read(length),
  };
}

interface Turn extends Report {
  readonly isHung: boolean;
}

async function measure(
  gateway: ChildProcess,
  hang: (isHung: boolean) => void,
  say: (text: string) => void,
): Promise<Turn[]> {
  const tell = (order: Order): void => void gateway.send(order);
  const turns: Turn[] = [];
  for (const { isHung, ms } of TURNS) {
    await eventually('all sensors are well', RECOVER_MS, async () => othersOf(await reportOf(gateway)).every(isWell));
    say(isHung ? 'all hang' : 'all is well');
    hang(isHung);
    tell({ order: 'hang', isHung });
    if (!isHung) await systemClock.sleep(SETTLE_MS);
    tell({ order: 'measure' });
    await systemClock.sleep(ms);
    const report = await reportOf(gateway);
    const states = JSON.stringify(report.sensors);
    assert.equal(report.sensors[WELL_STATION], 'ok', states);
    assert(othersOf(report).every(isHung ? isFailed : isWell), states);
    turns.push({ ...report, isHung });
    hang(false);
    tell({ order: 'hang', isHung: false });
  }
  return turns;
}

function isWell(state: string): boolean {
  return state === 'ok';
}

function isFailed(state: string): boolean {
  return state === 'failed' || state === 'hung';
}

function othersOf({ sensors }: Report): string[] {
  return Object.entries(sensors)
    .filter(([station]) => station !== WELL_STATION)
    .map(([, state]) => state);
}

function figuresOf(turns: readonly Turn[]): Figure[] {
  const lateness = latenessOf(turns);
  const during = <T>(isHung: boolean, of: (turn: Turn, index: number) => readonly T[]): T[] =>
    turns.flatMap((turn, index) => (turn.isHung === isHung ? of(turn, index) : []));
  const lookups = during(true, ({ lookupMs }) => lookupMs);
  const reads = during(true, ({ readMs }) => readMs);
  return [
    ...besideQuiet('tick', (isHung) => during(isHung, (_, index) => lateness[index] ?? [])),
    ...besideQuiet('alarm', (isHung) => during(isHung, ({ alarmMs }) => alarmMs)),
    missedTicks(turns, false),
    missedTicks(turns, true),
    { name: 'sensor-jitter/lookup-max', value: Math.max(...lookups), ...WITHIN_LIMIT },
    { name: 'sensor-jitter/read-max', value: Math.max(...reads), ...WITHIN_LIMIT },
  ];
}

const WITHIN_LIMIT = { unit: 'ms', limit: LIMIT_MS, goal: { atMost: 1 } };

function besideQuiet(what: string, during: (isHung: boolean) => readonly number[]): Figure[] {
  const [quiet, hung] = [during(false), during(true)];
  const parts = Object.entries(PARTS);
  return [
    ...parts.map(([part, of]) => ({ name: `sensor-jitter/${what}-quiet-${part}`, value: of(quiet), unit: 'ms' })),
    ...parts.map(([part, of]) => ({
      name: `sensor-jitter/${what}-hung-${part}`,
      value: of(hung),
      unit: 'ms',
      limit: of(quiet),
      ...(part === 'p99' ? { goal: { atMost: GOAL_RATIO } } : {}),
    })),
  ];
}

const PARTS = {
  p50: (values: readonly number[]): number => quantile(values, 0.5),
  p99: (values: readonly number[]): number => quantile(values, 0.99),
  max: (values: readonly number[]): number => Math.max(...values),
};

/** Of each turn, beside the earliest sample of the run: ticks are a whole number of their period apart. */
function latenessOf(turns: readonly Turn[]): number[][] {
  const all = turns.flatMap(({ askedMs }) => askedMs);
  const originMs = all[0] as number;
  const beyondMs = (askedMs: number): number => {
    const sinceMs = askedMs - originMs;
    return sinceMs - TICK_MS * Math.round(sinceMs / TICK_MS);
  };
  const earliestMs = Math.min(...all.map(beyondMs));
  return turns.map(({ askedMs }) => askedMs.map((moment) => beyondMs(moment) - earliestMs));
}

/** Ticks of a turn, and those at which the healthy sensor was not asked. Throws where an alarm is not there. */
function ticksOf({ askedMs, alarmMs }: Turn): { readonly ticks: number; readonly missed: number } {
  const [first = 0, last = 0] = [askedMs[0], askedMs.at(-1)];
  const ticks = Math.round((last - first) / TICK_MS) + 1;
  const missed = ticks - askedMs.length;
  assert(alarmMs.length + missed + 1 >= ticks / 2, `${alarmMs.length} alarms of ${askedMs.length} samples`);
  return { ticks, missed };
}

function missedTicks(turns: readonly Turn[], isHung: boolean): Figure {
  const counts = turns.filter((turn) => turn.isHung === isHung).map(ticksOf);
  const value = counts.reduce((sum, { missed }) => sum + missed, 0);
  const limit = counts.reduce((sum, { ticks }) => sum + ticks, 0);
  const name = `sensor-jitter/missed-${isHung ? 'hung' : 'quiet'}`;
  return { name, value, unit: 'ticks', limit, ...(isHung ? { goal: { atMost: 0 } } : {}) };
}

async function reportOf(gateway: ChildProcess): Promise<Report> {
  const answer = once(gateway, 'message');
  gateway.send({ order: 'report' } satisfies Order);
  const [report] = (await answer) as [Report];
  return report;
}

/** Resolves when it runs. */
async function startGateway(folder: string, devices: string): Promise<ChildProcess> {
  const path = join(folder, 'mooring.yaml');
  writeFileSync(path, JSON.stringify(gatewayConfig()));
  const child = spawn(process.execPath, ['--no-warnings', GATEWAY, path], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: { ...process.env, LD_PRELOAD: fakeI2cLibrary(), FAKE_I2C: devices },
  });
  const ended = once(child, 'exit').then(() => assert.fail('the gateway has ended by itself'));
  await Promise.race([once(child, 'message'), ended]);
  ended.catch(() => undefined);
  return child;
}

async function stop(gateway: ChildProcess): Promise<void> {
  const ended = once(gateway, 'exit');
  gateway.send({ order: 'stop' } satisfies Order);
  const [status] = (await ended) as [number | null];
  assert.equal(status, 0, 'the gateway ends cleanly');
}
