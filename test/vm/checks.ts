import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../runtime/clock.ts';
import { Bme280Chip } from '../../sim/chips/bme280.ts';
import type { Guest } from './guest.ts';
import { answerTransfers } from './i2c-port.ts';

/** What each check has: the guest, and what stands around its sensors. */
export interface Scene {
  readonly guest: Guest;
  /** True values, which a check may change. */
  readonly truth: Record<string, number>;
}

export interface Check {
  readonly name: string;
  /** Throws where it does not hold. Returns the figures that it saw. */
  readonly run: (scene: Scene) => Promise<string>;
}

const NODE = '/project/node_modules/node/bin/node';
const MOORING = `${NODE} /project/bin/mooring.js`;
const LIMIT_S = 6;
/** Within this the buzzer has to be off after the daemon was killed. */
const SAFE_S = 2;

/** A chip on the guest's bus whose surroundings the test holds. */
export async function prepare(guest: Guest): Promise<Scene> {
  const truth: Record<string, number> = { temperature: 21.5, humidity: 43.2, pressure: 987.6 };
  const chip = new Bme280Chip({ clock: systemClock, truth: (quantity) => truth[quantity] as number });
  answerTransfers(await guest.socket('i2c'), [chip]);
  await guest.output('sim-i2c && sim-gpio make pinctrl-bcm2711 54');
  return { guest, truth };
}

export const CHECKS: readonly Check[] = [
  {
    name: "a BME280 is read through the kernel's own I²C device",
    run: async ({ guest, truth }) => {
      await guest.write('/run/m/read.yaml', configuration([BME280]));
      const startMs = performance.now();
      const answer = await guest.output(`${MOORING} read -c /run/m/read.yaml --json`);
      const [record] = (JSON.parse(answer) as { readonly records: readonly Record<string, number>[] }).records;
      assert(record !== undefined, answer);
      for (const [metric, within] of Object.entries({ temperature: 0.05, humidity: 0.1, pressure: 0.1 })) {
        const difference = Math.abs((record[metric] as number) - (truth[metric] as number));
        assert(difference <= within, `${metric} is ${record[metric]} and not ${truth[metric]}`);
      }
      const { temperature, humidity, pressure } = record;
      return `${temperature} °C, ${humidity} %, ${pressure} hPa in ${seconds(startMs)}`;
    },
  },
  ...['gpiod 1.6', 'gpiod 2.2'].flatMap((tools): Check[] => [
    {
      name: `${tools}: the buzzer is off within ${SAFE_S} s after SIGKILL of the daemon`,
      run: async (scene) => await afterSignal(scene, tools, 'KILL', SAFE_S),
    },
    {
      name: `${tools}: the buzzer is off no later than its limit of ${LIMIT_S} s after SIGSTOP of the daemon`,
      run: async (scene) => await afterSignal(scene, tools, 'STOP', LIMIT_S),
    },
  ]),
  {
    name: 'a USB serial adapter that is unplugged and plugged in again speaks again',
    run: async ({ guest }) => {
      const port = (await guest.output('ls /dev/serial/by-id/*')).split('\n')[0] as string;
      const talker = talk(await guest.socket('usb'));
      try {
        await startGateway(guest, configuration([`{ driver: nmea0183, port: '${port}', silence: 5s }`]), 'gpiod 1.6');
        await until(async () => (await stateOf(guest)) === 'ok', 'the sensor speaks');
        await guest.unplugUsb();
        await until(async () => (await stateOf(guest)) === 'failed', 'the sensor has failed');
        const startMs = performance.now();
        await guest.plugUsb();
        await until(async () => (await stateOf(guest)) === 'ok', 'the sensor speaks again');
        return `data again ${seconds(startMs)} after it was plugged in`;
      } finally {
        talker();
        await stopGateway(guest);
      }
    },
  },
];

/** An emulated processor is a tenth of a real one. */
/** What a person would look at first when a check has failed. */
export async function diagnosis({ guest }: Scene): Promise<string> {
  const { out } = await guest.run(
    'journalctl -u mooring -o cat -n 12 --no-pager; ls -l /dev/serial/by-id /dev/ttyUSB* /dev/gpiochip* 2>&1; ps ax -o pid,args | grep -v "\\[" | tail -n 12; dmesg | tail -n 5',
  );
  return out;
}

const BME280 = '{ driver: bme280, bus: i2c-1, address: 0x76, deadline: 20s }';

function configuration(sensors: readonly string[]): string {
  return `gateway: vm
stations:
  - { name: mast, every: 1s, sensors: [${sensors.join(', ')}] }
${
  sensors.includes(BME280)
    ? `alarms:
  - { name: hot, metric: temperature, above: 40, level: critical, do: [buzzer] }
actuators:
  buzzer: { gpio: GPIO17, safe: off, pattern: on, limit: ${LIMIT_S}s }
`
    : ''
}store: { path: /run/m/store.db }
`;
}

async function startGateway(guest: Guest, text: string, tools: string): Promise<void> {
  await guest.write('/run/m/mooring.yaml', text);
  await guest.output(
    'rm -rf /run/m/store.db*; journalctl --rotate --vacuum-time=1s -q; systemctl reset-failed mooring 2>/dev/null; true',
  );
  const first = tools === 'gpiod 2.2' ? '/opt/gpiod-2:' : '';
  const path = `PATH=${first}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`;
  await guest.output(`systemd-run -q --unit=mooring -E ${path} ${MOORING} run -c /run/m/mooring.yaml`);
  await until(async () => await logHas(guest, 'the gateway runs'), 'the gateway runs');
}

async function stopGateway(guest: Guest): Promise<void> {
  const { out } = await guest.run('journalctl -u mooring -o cat -n 30 --no-pager');
  await guest.run('systemctl kill -s CONT mooring; systemctl stop mooring; systemctl reset-failed mooring');
  if (out.includes('"level":60')) throw new Error(out);
}

/** Lets the alarm sound, sends a signal to the daemon, and measures how long the line stays on. */
async function afterSignal({ guest, truth }: Scene, tools: string, signal: string, limitS: number): Promise<string> {
  truth.temperature = 20;
  await startGateway(guest, configuration([BME280]), tools);
  try {
    assert.equal(await guest.output('sim-gpio get 17'), '0', 'the line is off before the alarm');
    truth.temperature = 50;
    await until(async () => (await guest.output('sim-gpio get 17')) === '1', 'the buzzer sounds');
    const offAfterS = Number(
      await guest.output(`systemctl kill --kill-whom=main -s ${signal} mooring
      read from rest < /proc/uptime
      until [ "$(sim-gpio get 17)" = 0 ]; do :; done
      read to rest < /proc/uptime
      echo $from $to | awk '{print $2 - $1}'`),
    );
    assert(offAfterS <= limitS, `off only after ${offAfterS} s`);
    return `off after ${offAfterS.toFixed(2)} s`;
  } finally {
    truth.temperature = 20;
    await stopGateway(guest);
  }
}

/** Says where it is, once a second, to whoever listens. Returns what ends it. */
function talk(port: Socket): () => void {
  const body = 'GPGGA,120000.00,4228.8467,N,00310.6100,E,1,08,1.0,2.0,M,49.0,M,,';
  const sum = [...body].reduce((all, letter) => all ^ letter.charCodeAt(0), 0);
  const sentence = `$${body}*${sum.toString(16).toUpperCase().padStart(2, '0')}\r\n`;
  const stop = new AbortController();
  const speak = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      port.write(sentence);
      await sleep(1000);
    }
  };
  void speak();
  return () => {
    stop.abort();
    port.destroy();
  };
}

async function stateOf(guest: Guest): Promise<string | undefined> {
  const { out } = await guest.run(`echo '{"verb":"status"}' | socat -t 5 - UNIX-CONNECT:/run/m/store.db.sock`);
  if (out === '') return undefined;
  const [sensor] = (JSON.parse(out) as { readonly sensors: readonly { readonly state: string }[] }).sensors;
  return sensor?.state;
}

async function logHas(guest: Guest, words: string): Promise<boolean> {
  return (await guest.run(`journalctl -u mooring -o cat --no-pager | grep -q '${words}'`)).status === 0;
}

async function until(holds: () => Promise<boolean>, what: string): Promise<void> {
  const endMs = performance.now() + 120_000;
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(`not within two minutes: ${what}`);
    await sleep(100);
  }
}

function seconds(sinceMs: number): string {
  return `${((performance.now() - sinceMs) / 1000).toFixed(1)} s`;
}
