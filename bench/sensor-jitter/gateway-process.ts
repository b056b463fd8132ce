/**
 * A gateway with its real parts on the I²C buses of the preload library, and everything else on a simulated Pi: notes when
 * the healthy sensor is asked, when its alarm reaches the buzzer, and how long DNS and files take meanwhile.
 * Arguments: the configuration. Told by messages what to do; see `Order`.
 */
import { lookup } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { Gateway } from '../../daemon/app.ts';
import { i2cAdapterOf } from '../../daemon/buses/i2c/child-adapter.ts';
import type { I2cAdapter, Machine } from '../../daemon/buses/machine.ts';
import { loadGatewayConfig } from '../../daemon/config/config.ts';
import { systemClock } from '../../runtime/clock.ts';
import { createLog } from '../../runtime/log.ts';
import { systemRandom } from '../../runtime/random.ts';
import { simulate } from '../../sim/pi/simulated-machine.ts';
import type { ModbusTcpServer } from '../../sim/talkers/modbus-tcp.ts';
import { ASK_EVERY_MS, ONE_WIRE, PLANT, PULSES, WELL_BUS } from './site.ts';

/** What the process is told. `hang`: everything but I²C, which its owner hangs. */
export type Order =
  | { readonly order: 'measure' }
  | { readonly order: 'hang'; readonly isHung: boolean }
  | { readonly order: 'report' }
  | { readonly order: 'stop' };

/** What it answers; since `measure`. */
export interface Report {
  /** When the healthy sensor was asked, on the monotonic clock, in milliseconds. */
  readonly askedMs: readonly number[];
  /** When the buzzer was told, since that sample was asked for. */
  readonly alarmMs: readonly number[];
  readonly lookupMs: readonly number[];
  readonly readMs: readonly number[];
  /** By station. */
  readonly sensors: Readonly<Record<string, string>>;
}

const path = process.argv[2] ?? '';
const log = createLog('error');
const config = loadGatewayConfig(path);
const { machine: simulated } = simulate(config, { clock: systemClock, log });
let askedMs: number[] = [];
let alarmMs: number[] = [];
let lookupMs: number[] = [];
let readMs: number[] = [];
let lastAskedMs = -Infinity;

/** A sample begins with the one thing that it writes: what the chip is to measure. */
function noted(bus: I2cAdapter): I2cAdapter {
  return {
    open: async () => await bus.open(),
    run: async (job) => {
      if ((job.readLength ?? 0) === 0) {
        lastAskedMs = systemClock.monotonicMs();
        askedMs.push(lastAskedMs);
      }
      return await bus.run(job);
    },
    close: async () => await bus.close(),
  };
}

const machine: Machine = {
  isSimulated: true,
  i2c: (name) => {
    const bus = i2cAdapterOf(name, { clock: systemClock, log });
    return name === `i2c-${WELL_BUS}` ? noted(bus) : bus;
  },
  openSerial: async (settings) => await simulated.openSerial(settings),
  openTcp: async (host, port, signal) => await simulated.openTcp(host, port, signal),
  oneWire: simulated.oneWire,
  host: simulated.host,
  gpioInput: (settings) => simulated.gpioInput(settings),
  output: (settings) => {
    const output = simulated.output(settings);
    return {
      ...output,
      play: (pattern, limitMs) => {
        alarmMs.push(systemClock.monotonicMs() - lastAskedMs);
        output.play(pattern, limitMs);
      },
    };
  },
  close: async () => await simulated.close(),
};

function hang(isHung: boolean): void {
  const what = isHung ? 'hang' : undefined;
  for (const port of simulated.serialPaths) {
    const line = simulated.serial(port);
    if (line !== undefined) line.trouble = what;
  }
  const device = simulated.oneWire.device(ONE_WIRE);
  if (device !== undefined) device.trouble = what;
  if (!isHung) simulated.oneWire.release();
  (simulated.server(PLANT, 502) as ModbusTcpServer).trouble = what;
  const line = simulated.line(PULSES);
  line.isAbsent = isHung;
  line.isHung = isHung;
}

const gateway = new Gateway(config, { clock: systemClock, random: systemRandom, log, version: 'bench', machine });
const stopping = new AbortController();

/** As the daemon itself does: names of brokers, files of drivers. */
async function askOnAndOn(): Promise<void> {
  while (!stopping.signal.aborted) {
    const startMs = systemClock.monotonicMs();
    await lookup('localhost');
    const betweenMs = systemClock.monotonicMs();
    await readFile(path);
    lookupMs.push(betweenMs - startMs);
    readMs.push(systemClock.monotonicMs() - betweenMs);
    await systemClock.sleep(ASK_EVERY_MS);
  }
}

async function obey(order: Order): Promise<void> {
  switch (order.order) {
    case 'measure':
      [askedMs, alarmMs, lookupMs, readMs] = [[], [], [], []];
      return;
    case 'hang':
      hang(order.isHung);
      return;
    case 'report': {
      const times = { askedMs, alarmMs, lookupMs, readMs };
      const { sensors } = await gateway.status();
      const states = Object.fromEntries(sensors.map(({ station, state }) => [station, state]));
      process.send?.({ ...times, sensors: states } satisfies Report);
      return;
    }
    case 'stop':
      stopping.abort();
      await asking;
      await gateway.stop();
      process.disconnect();
  }
}

process.on('message', (order: Order) => void obey(order));
await gateway.start();
const asking = askOnAndOn();
process.send?.('ready');
