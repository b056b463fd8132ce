/** What stands where, for the gateway and for whoever plays its buses. */
export const WELL_BUS = 6;
/** More than the threads of Node's pool, which are four. */
export const HUNG_BUSES = [1, 2, 3, 4, 5] as const;
export const TICK_MS = 200;
export const ASK_EVERY_MS = 20;
export const ONE_WIRE = '28-00000000000a';
export const PULSES = 'GPIO5';
export const PLANT = 'plant';
const WELL = 'well';

/** The station whose sensor is well, and by whose values an alarm is raised every second tick. */
export const WELL_STATION = WELL;

const serialPort = (what: string): string => `/dev/serial/by-id/usb-${what}-port0`;

/** One station on each bus that hangs, one on the bus that does not. */
export function gatewayConfig(): object {
  const chip = (bus: number): object => ({ driver: 'ina219', bus: `i2c-${bus}`, samples: 1 });
  const registers = [{ metric: 'battery_voltage', register: 0 }];
  const others = {
    boat: { driver: 'nmea0183', port: serialPort('boat'), silence: '5s', only: ['wind_speed', 'wind_direction'] },
    dust: { driver: 'pms5003', port: serialPort('dust'), warmup: '0s' },
    mast: { driver: 'pulse-counter', gpio: PULSES, per_hz: 0.667 },
    pool: { driver: 'ds18b20', device: ONE_WIRE, deadline: '900ms' },
    meter: { driver: 'modbus', rtu: { port: serialPort('rs485') }, registers },
    plant: { driver: 'modbus', tcp: { host: PLANT }, registers },
  };
  return {
    gateway: 'bench',
    stations: [
      { name: WELL, every: `${TICK_MS}ms`, sensors: [chip(WELL_BUS)] },
      ...HUNG_BUSES.map((bus) => ({ name: `hung-${bus}`, every: '1s', sensors: [chip(bus)] })),
      ...Object.entries(others).map(([name, sensor]) => ({ name, every: '1s', sensors: [sensor] })),
    ],
    alarms: [{ name: 'high', station: WELL, metric: 'battery_voltage', above: 12, do: ['buzzer'] }],
    actuators: { buzzer: { gpio: 'GPIO17', pattern: 'beep', limit: '60s' } },
    store: { path: 'store.db' },
  };
}
