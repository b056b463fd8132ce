/**
 * A gateway with its real parts, on simulated buses and a real guard over a fake of the kernel's GPIO files: notes, for each
 * alarm that is raised, how long it took from the last byte of the bus's answer to the words in the pipe to the guard.
 * Arguments: the configuration. Told by messages what to do; see `Order`.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { Gateway } from '../../daemon/app.ts';
import { gpioOf } from '../../daemon/buses/gpio/gpio.ts';
import type { Machine } from '../../daemon/buses/machine.ts';
import { loadGatewayConfig } from '../../daemon/config/config.ts';
import { systemClock } from '../../runtime/clock.ts';
import { createLog } from '../../runtime/log.ts';
import { systemRandom } from '../../runtime/random.ts';
import { Ina219Chip } from '../../sim/chips/ina219.ts';
import { SimulatedMachine } from '../../sim/pi/machine.ts';
import { sysfsStage } from '../../test/gpiod-stage.ts';
import { LAMPS } from './lines.ts';
import { Wire, type WiredBus } from './wire.ts';

/** What the process is told. */
export type Order =
  | { readonly order: 'measure' }
  | { readonly order: 'report' }
  | { readonly order: 'stop' }
  | HangOrder;
interface HangOrder {
  readonly order: 'hang';
  readonly isHung: boolean;
}

/** What it answers. Latencies in milliseconds, of alarms raised since `measure`. */
export interface Report {
  readonly latencies: readonly number[];
  /** What the gateway says of itself; undefined while its store does not answer, as its disk stands still. */
  readonly status: { readonly failedSensors: number; readonly unacknowledged: number } | undefined;
}

/** The measured value is on either side of the alarm's limit by turns, each this long. */
const HALF_MS = 50;
const HIGH = { battery_voltage: 14, battery_current: 1.5 } as const;
const LOW = { battery_voltage: 10, battery_current: 0.5 } as const;
const BASE = 512;
/** A store whose disk does not stand still answers sooner, in milliseconds. */
const STORE_MS = 400;

const log = createLog('warn');
const config = loadGatewayConfig(process.argv[2] ?? '');
const stage = sysfsStage(BASE);
const wire = new Wire();
const simulated = new SimulatedMachine(systemClock);
const buses = new Map<string, WiredBus>();
let latencies: number[] = [];

/** Changes in the middle between two ticks of the stations, which are on multiples of it. */
function truth(quantity: string): number {
  const half = Math.floor((systemClock.wallMs() + HALF_MS / 2) / HALF_MS);
  return (half % 2 === 0 ? HIGH : LOW)[quantity as keyof typeof HIGH];
}

function bus(name: string): WiredBus {
  const made = buses.get(name) ?? wire.bus(new Ina219Chip({ clock: systemClock, truth }));
  buses.set(name, made);
  return made;
}

/** Bus of an actuator, by the number that the guard knows its line by. */
const busOf = new Map<string, WiredBus>();
const OPENED = /^\{"word":"open","id":(\d+),"line":"pinctrl-bcm2711\/(\d+)"/;
const PLAYED = /^\{"word":"play","id":(\d+),/;

function watched(program: string, args: readonly string[], options: SpawnOptions): ChildProcess {
  const child = spawn(program, args, options);
  const { stdin } = child;
  assert(stdin !== null, 'the guard listens');
  const write = stdin.write.bind(stdin) as (text: string) => boolean;
  stdin.write = ((text: string) => {
    const isTaken = write(text);
    const played = PLAYED.exec(text)?.[1];
    if (played !== undefined) {
      const atNs = process.hrtime.bigint();
      latencies.push(Number(atNs - (busOf.get(played) as WiredBus).answeredNs) / 1e6);
    }
    const [, id, offset] = OPENED.exec(text) ?? [];
    if (id !== undefined) busOf.set(id, bus(`i2c-${Number(offset) % LAMPS}`));
    return isTaken;
  }) as typeof stdin.write;
  return child;
}

const gpio = gpioOf({ clock: systemClock, log, spawn: watched, ...stage.places });
const machine: Machine = {
  isSimulated: true,
  i2c: (name) => bus(name),
  openSerial: async (settings) => await simulated.openSerial(settings),
  openTcp: async (host, port, signal) => await simulated.openTcp(host, port, signal),
  oneWire: simulated.oneWire,
  host: simulated.host,
  gpioInput: (settings) => gpio.gpioInput(settings),
  output: (settings) => gpio.output(settings),
  close: async () => {
    await gpio.close();
    await simulated.close();
  },
};

const gateway = new Gateway(config, { clock: systemClock, random: systemRandom, log, version: 'bench', machine });

async function obey(order: Order): Promise<void> {
  switch (order.order) {
    case 'measure':
      latencies = [];
      return;
    case 'hang':
      bus('i2c-0').simulated.trouble(0x40, order.isHung ? 'hang' : undefined);
      return;
    case 'report': {
      const measured = latencies;
      const asked = gateway.status().then(({ sensors, forwarders }) => ({
        failedSensors: sensors.filter(({ code }) => code !== undefined).length,
        unacknowledged: forwarders[0]?.pending ?? 0,
      }));
      const status = await Promise.race([asked, systemClock.sleep(STORE_MS).then(() => undefined)]);
      process.send?.({ latencies: measured, status } satisfies Report);
      return;
    }
    case 'stop':
      bus('i2c-0').simulated.trouble(0x40, undefined);
      await gateway.stop();
      await wire.close();
      stage[Symbol.dispose]();
      process.disconnect();
  }
}

process.on('message', (order: Order) => void obey(order));
await gateway.start();
process.send?.({ latencies: [], status: undefined } satisfies Report);
