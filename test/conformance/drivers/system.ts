import { system } from '../../../drivers/system/system.ts';
import { MooringError } from '../../../runtime/errors.ts';
import { SteppedClock } from '../../../sim/clock.ts';
import { SimulatedHost } from '../../../sim/pi/host.ts';
import { HostPorts } from '../../simulated-host-ports.ts';
import type { DriverFault, DriverSubject, DriverWorld, Truths } from '../driver.ts';

interface HostWorld extends DriverWorld {
  readonly host: SimulatedHost;
}

/** A machine that has everything that the driver knows. */
function world(): HostWorld {
  const host = new SimulatedHost();
  let truths: Truths = {};
  const text = (name: string, by = 1): string => String(Math.round(Number(truths[name]) * by * 1000) / 1000);
  host.file('/sys/class/thermal/thermal_zone0/type', 'cpu-thermal\n');
  host.file('/sys/class/thermal/thermal_zone0/temp', () => `${text('cpu_temperature', 1000)}\n`);
  host.file('/proc/loadavg', () => `${text('system_load')} 0.5 0.4 1/99 4711\n`);
  host.file(
    '/proc/meminfo',
    () => `MemTotal: 100000 kB\nMemFree: 7 kB\nMemAvailable: ${100_000 - Number(text('memory_used', 1000))} kB\n`,
  );
  host.file('/proc/uptime', () => `${text('uptime')} 1.00\n`);
  host.file('/sys/class/hwmon/hwmon0/name', 'rpi_volt\n');
  host.file('/sys/class/hwmon/hwmon0/in0_lcrit_alarm', () => (truths.under_voltage === true ? '1\n' : '0\n'));
  host.file(
    '/sys/block/mmcblk0/device/life_time',
    () => `0x${(10 - Number(truths.flash_life) / 10).toString(16)} 0x01\n`,
  );
  host.file('/sys/block/mmcblk0/device/pre_eol_info', '0x01\n');
  host.disk('/', () => ({ freeBytes: Number(truths.disk_free) * 1e9, totalBytes: 1e11 }));
  host.program('mmcli', (args) =>
    JSON.stringify({ modem: args.includes('--signal-get') ? signalOf(truths) : stateOf(truths) }),
  );
  return {
    host,
    clock: new SteppedClock(),
    ports: new HostPorts(host),
    set: (next) => {
      truths = next;
      host.offsetS = next.clock_offset as number;
      for (let id = 1; id < 60; id += 1) host.file(`/proc/${id}/stat`, id <= Number(next.processes) ? '' : undefined);
    },
  };
}

function signalOf({ modem_signal }: Truths): object {
  return { signal: { lte: { rssi: Number(modem_signal).toFixed(2) }, refresh: { rate: '30' } } };
}

function stateOf({ modem_state }: Truths): object {
  return { generic: { state: modem_state } };
}

/** One file that is not there for a while: what it tells is missing, the rest is right. */
function lost(name: string, path: string, text: string): DriverFault<HostWorld> {
  return {
    name,
    begin: ({ host }) => host.file(path, undefined),
    end: ({ host }) => host.file(path, text),
    atSample: ['missing'],
  };
}

export const subject: DriverSubject<HostWorld> = {
  driver: system,
  kind: 'protocol',
  options: { modem: true },
  world,
  truths: [
    {
      cpu_temperature: 48.3,
      system_load: 0.34,
      memory_used: 15.2,
      disk_free: 62.5,
      flash_life: 90,
      under_voltage: false,
      clock_offset: 0.0021,
      uptime: 86_412.5,
      processes: 42,
      modem_signal: -67,
      modem_state: 'connected',
    },
    {
      cpu_temperature: -20,
      system_load: 0,
      memory_used: 0,
      disk_free: 0,
      flash_life: 0,
      under_voltage: true,
      clock_offset: -3600,
      uptime: 0.5,
      processes: 1,
      modem_signal: -113,
      modem_state: 'searching',
    },
    {
      cpu_temperature: 105,
      system_load: 999,
      memory_used: 100,
      disk_free: 100,
      flash_life: 50,
      under_voltage: false,
      clock_offset: 0,
      uptime: 1e8,
      processes: 59,
      modem_signal: -51,
      modem_state: 'registered',
    },
  ],
  faults: [
    lost('a thermal zone that is gone', '/sys/class/thermal/thermal_zone0/temp', '48300\n'),
    lost('an eMMC that does not answer', '/sys/block/mmcblk0/device/pre_eol_info', '0x01\n'),
    {
      name: 'a modem that is unplugged',
      begin: ({ host }) =>
        host.program('mmcli', () => {
          throw new MooringError('SENSOR_FAILED', 'the program failed');
        }),
      end: ({ host }) =>
        host.program('mmcli', (args) =>
          JSON.stringify({
            modem: args.includes('--signal-get')
              ? signalOf({ modem_signal: -67 })
              : stateOf({ modem_state: 'connected' }),
          }),
        ),
      atSample: ['missing'],
    },
  ],
};
