import type { SimulatedHost } from './host.ts';
import type { WorldTime } from './surroundings.ts';

/** How long the machine had been running when the simulation began, in milliseconds. */
const UP_MS = 3_600_000;
const MEMORY_KIB = 3_884_368;
const DISK_BYTES = 32e9;

/** What a Raspberry Pi's kernel and ModemManager say, of the machine that `truth` describes. */
export function furnishHost(
  host: SimulatedHost,
  path: string,
  truth: (quantity: string) => number,
  now: WorldTime,
): void {
  const startMs = now() - UP_MS;
  const fixed = (quantity: string, decimals: number, by = 1): string => (truth(quantity) * by).toFixed(decimals);
  host.file('/sys/class/thermal/thermal_zone0/type', 'cpu-thermal\n');
  host.file('/sys/class/thermal/thermal_zone0/temp', () => `${fixed('cpu_temperature', 0, 1000)}\n`);
  host.file('/proc/loadavg', () => `${fixed('system_load', 2)} 0.30 0.20 1/187 2417\n`);
  host.file('/proc/meminfo', () => {
    const available = Math.round(MEMORY_KIB * (1 - truth('memory_used') / 100));
    return `MemTotal: ${MEMORY_KIB} kB\nMemFree: ${available - 1000} kB\nMemAvailable: ${available} kB\n`;
  });
  host.file('/proc/uptime', () => `${((now() - startMs) / 1000).toFixed(2)} 1.00\n`);
  host.file('/sys/class/hwmon/hwmon0/name', 'cpu_thermal\n');
  host.file('/sys/class/hwmon/hwmon1/name', 'rpi_volt\n');
  host.file('/sys/class/hwmon/hwmon1/in0_lcrit_alarm', () => `${fixed('under_voltage', 0)}\n`);
  host.file('/sys/block/mmcblk0/device/life_time', () => `0x0${(10 - truth('flash_life') / 10).toFixed(0)} 0x01\n`);
  host.file('/sys/block/mmcblk0/device/pre_eol_info', '0x01\n');
  host.disk(path, () => ({ freeBytes: (truth('disk_free') / 100) * DISK_BYTES, totalBytes: DISK_BYTES }));
  host.offsetS = () => truth('clock_offset');
  const processes = Math.round(truth('processes'));
  for (let id = 1; id <= processes; id += 1) host.file(`/proc/${id}/stat`, '');
  host.program('mmcli', (args) => {
    const signal = { lte: { rssi: fixed('modem_signal', 2) }, refresh: { rate: '30' } };
    const modem = args.includes('--signal-get') ? { signal } : { generic: { state: 'connected' } };
    return JSON.stringify({ modem });
  });
}

/** Seconds since the machine has started, at a time of the world that began at `beganMs`. */
export function uptimeS(beganMs: number, timeMs: number): number {
  return (timeMs - beganMs + UP_MS) / 1000;
}
