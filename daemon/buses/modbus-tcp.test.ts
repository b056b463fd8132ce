import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, test } from 'vitest';
import type { ModbusDevice } from '../../drivers/driver.ts';
import { silentLog } from '../../runtime/log.ts';
import { SteppedClock } from '../../sim/clock.ts';
import { RegisterBank } from '../../sim/talkers/modbus-registers.ts';
import type { ModbusUnit } from '../../sim/talkers/modbus-rtu.ts';
import { ModbusTcpServer } from '../../sim/talkers/modbus-tcp.ts';
import { modbusPorts } from './modbus.ts';
import { openTcpSocket } from './modbus-tcp.ts';

const never = new AbortController().signal;
const TIMEOUT_MS = 100;

function stage() {
  const clock = new SteppedClock();
  const registers = new RegisterBank();
  registers.put('holding', 0, () => [11, 12, 13]);
  const unit: ModbusUnit = { registers };
  const server = new ModbusTcpServer({ clock, units: { 1: unit } });
  const openSerial = (): Promise<never> => Promise.reject(new Error('no serial port'));
  const ports = modbusPorts({
    machine: { openTcp: (...where) => server.openTcp(...where), openSerial },
    clock,
    log: silentLog,
  });
  const device = (number = 1): ModbusDevice =>
    ports.modbus({ kind: 'tcp', host: '127.0.0.1', port: 502, unit: number, timeoutMs: TIMEOUT_MS });
  const read = async (from: ModbusDevice, address: number): Promise<unknown> => {
    const reading = from.readRegisters('holding', address, 1, never).catch((error: unknown) => error);
    await clock.advance(TIMEOUT_MS + 1);
    return await reading;
  };
  return { clock, unit, server, device, read };
}

test('registers are read over a connection that all devices of a host and port share', async () => {
  const { device, read, server } = stage();
  const [a, b] = [device(1), device(9)];
  await a.open(never);
  await b.open(never);
  expect(await read(a, 1)).toEqual([12]);
  expect(await read(b, 1)).toMatchObject({ code: 'SENSOR_FAILED', context: { exception: 11 }, retry: 'now' });
  expect(await read(a, 3)).toMatchObject({ code: 'SENSOR_FAILED', context: { exception: 2 } });
  expect(server.connections).toBe(1);
});

test('an answer that comes too late is known by its number, and not taken for the next', async () => {
  const { device, read, unit } = stage();
  const a = device();
  await a.open(never);
  unit.answerMs = TIMEOUT_MS + 5;
  expect(await read(a, 0)).toMatchObject({ code: 'DEADLINE' });
  unit.answerMs = 20;
  expect(await read(a, 2)).toEqual([13]);
});

test('a connection that breaks is PORT_LOST, and a fresh one is made when the device is opened again', async () => {
  const { clock, device, read, server } = stage();
  const a = device();
  await a.open(never);
  const reading = a.readRegisters('holding', 0, 1, never).catch((error: unknown) => error);
  await clock.advance(1);
  server.drop();
  await clock.advance(0);
  expect(await reading).toMatchObject({ code: 'PORT_LOST' });
  expect(await read(a, 0)).toMatchObject({ code: 'PORT_LOST' });
  server.isRefusing = true;
  await a.close();
  await expect(a.open(never)).rejects.toMatchObject({ code: 'PORT_ABSENT', context: { host: '127.0.0.1', port: 502 } });
  server.isRefusing = false;
  await a.open(never);
  expect(await read(a, 0)).toEqual([11]);
});

test('a server that speaks anything else loses its connection', async () => {
  const { clock, device, read, server } = stage();
  const a = device();
  await a.open(never);
  server.babble(Buffer.from('HTTP/1.1 400 Bad Request\r\n'));
  await clock.advance(0);
  expect(await read(a, 0)).toMatchObject({ code: 'PORT_LOST' });
});

test('a host that does not answer is given up after five seconds, or when the signal says so', async () => {
  const clock = new SteppedClock();
  const openTcp = (_host: string, _port: number, signal: AbortSignal): Promise<never> =>
    new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error));
    });
  const machine = { openTcp, openSerial: () => Promise.reject(new Error('no serial port')) };
  const device = modbusPorts({ machine, clock, log: silentLog }).modbus({
    kind: 'tcp',
    host: 'meter',
    port: 502,
    unit: 1,
    timeoutMs: 100,
  });
  const opening = expect(device.open(never)).rejects.toMatchObject({ code: 'PORT_ABSENT' });
  await clock.advance(5000);
  await opening;
  const off = new AbortController();
  const given = expect(device.open(off.signal)).rejects.toThrow('given up');
  await clock.advance(0);
  off.abort(new Error('given up'));
  await given;
  expect(clock.pendingTimers).toBe(0);
});

test('a real socket carries bytes, and one that is refused says so', async () => {
  const server = createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const socket = await openTcpSocket('127.0.0.1', port, never);
  socket.write('echo');
  expect(String((await once(socket, 'data'))[0])).toBe('echo');
  socket.destroy();
  server.close();
  await once(server, 'close');
  await expect(openTcpSocket('127.0.0.1', port, never)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});
