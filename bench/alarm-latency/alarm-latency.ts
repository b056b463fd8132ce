import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../runtime/clock.ts';
import { freePort } from '../../test/ports.ts';
import { eventually, type Program, Programs, runTool } from '../../test/processes.ts';
import type { Benchmark, Figure } from '../figure.ts';
import { quantile } from '../rounds.ts';
import type { Order, Report } from './gateway-process.ts';
import { LAMPS } from './lines.ts';

/** Stations of twenty samples a second, whose two values are beyond their limits every second time. */
const STATIONS = 6;
const SAMPLE_EVERY = '50ms';
const RAISED_MIN = 2000;
/** Each turn of each condition, as long as the store is stalled. */
const TURN_MS = 5000;
const TURNS = 5;
/** What was held up is written, and what was lost is connected again, before the next turn. */
const SETTLE_MS = 2500;
/** A sensor is opened again after half a minute at the latest. */
const RECOVER_MS = 60_000;
const START_MS = 20_000;
/** Records that wait for a centre which does not answer for a turn, and for no other. */
const BACKLOG = 500;
const GOAL_MS = 5;
const GOAL_RATIO = 1.5;

const GATEWAY = new URL('./gateway-process.ts', import.meta.url).pathname;
const CENTRE = new URL('../../cli/main.ts', import.meta.url).pathname;
const DISK = new URL('./stalled-disk.c', import.meta.url).pathname;

/** Something that is wrong meanwhile. */
interface Condition {
  readonly name: string;
  begin(site: Site): void;
  end(site: Site): void;
  /** Whether it was as wrong as it is meant to be, and nothing else was. */
  isSo(status: Report['status']): boolean;
}

const QUIET = 'unstalled';
const nothing = (): void => undefined;
const isWell = (status: Report['status']): boolean => status?.failedSensors === 0 && status.unacknowledged < BACKLOG;
const CONDITIONS: readonly Condition[] = [
  { name: QUIET, begin: nothing, end: nothing, isSo: isWell },
  {
    name: 'store-stalled',
    begin: ({ disk }) => disk('stall-store', true),
    end: ({ disk }) => disk('stall-store', false),
    isSo: (status) => status === undefined,
  },
  {
    name: 'broker-dead',
    begin: ({ centre }) => centre.pause(),
    end: ({ centre }) => centre.resume(),
    isSo: (status) => status?.failedSensors === 0 && status.unacknowledged >= BACKLOG,
  },
  {
    name: 'disk-dead',
    begin: ({ disk }) => disk('stall-disk', true),
    end: ({ disk }) => disk('stall-disk', false),
    isSo: (status) => status === undefined,
  },
  {
    name: 'sensor-hung',
    begin: ({ tell }) => tell({ order: 'hang', isHung: true }),
    end: ({ tell }) => tell({ order: 'hang', isHung: false }),
    isSo: (status) => status?.failedSensors === 1 && status.unacknowledged < BACKLOG,
  },
];

/** A process that can be made to hold its connections and answer nothing. */
type Stoppable = Pick<Program, 'pause' | 'resume'>;

interface Site {
  readonly centre: Stoppable;
  readonly disk: (what: 'stall-store' | 'stall-disk', isStalled: boolean) => void;
  readonly tell: (order: Order) => void;
  readonly report: () => Promise<Report>;
}

/** From the bus to the buzzer, while everything that it shares nothing with is out of order. */
export const alarmLatency: Benchmark = {
  name: 'alarm-latency',
  about: [
    'Milliseconds from the last byte of a bus reply to the words in the pipe to the process that holds the GPIO lines:',
    `${STATIONS} stations of 20 samples a second through driver, bus, rules and guard, every second sample raises two alarms, while`,
    'the store stands still, the centre is stopped (half-open), no file is written, another sensor hangs. Limit: the same path',
    'with nothing wrong, in turn with it, each turn 5 s; of the slowest p99: 5 ms.',
  ],
  async run({ folder, say }) {
    const programs = new Programs();
    let gateway: ChildProcess | undefined;
    try {
      const port = await freePort();
      writeFileSync(join(folder, 'central.yaml'), JSON.stringify(centralConfig(port)));
      mkdirSync(join(folder, 'state'));
      const args = [CENTRE, 'central', '-c', join(folder, 'central.yaml')];
      const centre = programs.start({ name: 'central', command: process.execPath, args });
      await centre.says('the embedded broker listens', START_MS);
      gateway = await startGateway(folder, port);
      const found = await measure(siteOf(folder, gateway, centre), say);
      await stop(gateway);
      return figuresOf(found);
    } finally {
      gateway?.kill('SIGKILL');
      await programs.end();
    }
  },
};

/** The latencies of each condition. Turns in order, then in reverse, so that what else the machine does falls on all alike. */
async function measure(site: Site, say: (text: string) => void): Promise<ReadonlyMap<string, readonly number[]>> {
  const found = new Map(CONDITIONS.map(({ name }): [string, number[]] => [name, []]));
  await systemClock.sleep(SETTLE_MS);
  for (let turn = 0; turn < TURNS; turn += 1) {
    for (const condition of turn % 2 === 0 ? CONDITIONS : CONDITIONS.toReversed()) {
      condition.begin(site);
      site.tell({ order: 'measure' });
      await systemClock.sleep(TURN_MS);
      const { latencies, status } = await site.report();
      condition.end(site);
      assert(condition.isSo(status), `${condition.name} is not so: ${JSON.stringify(status)}`);
      found.get(condition.name)?.push(...latencies);
      await systemClock.sleep(SETTLE_MS);
      await eventually(`all is well after ${condition.name}`, RECOVER_MS, async () =>
        isWell((await site.report()).status),
      );
    }
    say(`turn ${turn + 1} of ${TURNS}`);
  }
  for (const [name, latencies] of found) {
    assert(latencies.length >= RAISED_MIN, `${latencies.length} alarms were raised, ${name}`);
    say(`${name}: ${latencies.length} alarms`);
  }
  return found;
}

function figuresOf(found: ReadonlyMap<string, readonly number[]>): Figure[] {
  const unit = 'ms';
  const of = (name: string, part: Part): number => PARTS[part](found.get(name) ?? []);
  const figures: Figure[] = [];
  for (const { name } of CONDITIONS) {
    for (const part of ['p50', 'p99', 'max'] as const) {
      const goal = part === 'p99' ? { goal: { atMost: GOAL_RATIO } } : {};
      const limit = name === QUIET ? {} : { limit: of(QUIET, part), ...goal };
      figures.push({ name: `alarm-latency/${name}-${part}`, value: of(name, part), unit, ...limit });
    }
  }
  const value = Math.max(...CONDITIONS.map(({ name }) => of(name, 'p99')));
  figures.push({ name: 'alarm-latency/slowest-p99', value, unit, limit: GOAL_MS, goal: { atMost: 1 } });
  return figures;
}

type Part = keyof typeof PARTS;
const PARTS = {
  p50: (values: readonly number[]): number => quantile(values, 0.5),
  p99: (values: readonly number[]): number => quantile(values, 0.99),
  max: (values: readonly number[]): number => Math.max(...values),
};

function siteOf(folder: string, gateway: ChildProcess, centre: Stoppable): Site {
  return {
    centre,
    disk: (what, isStalled) => {
      if (isStalled) writeFileSync(join(folder, what), '');
      else rmSync(join(folder, what));
    },
    tell: (order) => void gateway.send(order),
    report: async () => {
      const answer = once(gateway, 'message');
      gateway.send({ order: 'report' } satisfies Order);
      const [report] = (await answer) as [Report];
      return report;
    },
  };
}

/** Resolves when it measures. */
async function startGateway(folder: string, port: number): Promise<ChildProcess> {
  const library = join(folder, 'stalled-disk.so');
  await runTool('gcc', ['-shared', '-fPIC', '-O2', '-Wall', '-Werror', '-o', library, DISK, '-ldl']);
  const path = join(folder, 'mooring.yaml');
  writeFileSync(path, JSON.stringify(gatewayConfig(port)));
  const child = spawn(process.execPath, ['--no-warnings', GATEWAY, path], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: { ...process.env, LD_PRELOAD: library, STALL_FOLDER: folder },
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

function gatewayConfig(port: number): object {
  const numbers = Array.from({ length: STATIONS }, (_, index) => index + 1);
  const sensor = (bus: number): object => ({ driver: 'ina219', bus: `i2c-${bus}`, samples: 1 });
  const station = (bus: number): object => ({ name: `station-${bus}`, every: SAMPLE_EVERY, sensors: [sensor(bus)] });
  const hanging = { name: 'hanging', every: '1s', sensors: [sensor(0)] };
  const alarm = (bus: number): object[] => [
    { name: 'voltage', station: `station-${bus}`, metric: 'battery_voltage', above: 12, do: [`buzzer-${bus}`] },
    { name: 'current', station: `station-${bus}`, metric: 'battery_current', above: 1, do: [`lamp-${bus}`] },
  ];
  const actuators = numbers.flatMap((bus) => [
    [`buzzer-${bus}`, { gpio: `pinctrl-bcm2711/${bus}`, pattern: 'beep' }],
    [`lamp-${bus}`, { gpio: `pinctrl-bcm2711/${bus + LAMPS}`, pattern: 'blink' }],
  ]);
  return {
    gateway: 'bench',
    stations: [...numbers.map(station), hanging],
    alarms: numbers.flatMap(alarm),
    actuators: Object.fromEntries(actuators),
    store: { path: 'store.db' },
    forward: { centre: { mqtt: { url: `mqtt://127.0.0.1:${port}` } } },
  };
}

function centralConfig(port: number): object {
  const sinks = { archive: { files: { path: 'records' } } };
  return { ingest: { mqtt: { listen: `127.0.0.1:${port}` } }, sinks, state: 'state' };
}
