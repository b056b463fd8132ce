/** Devices that speak in frames, over the real serial port's driver and a pseudo-terminal. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { modbusPorts } from '../../daemon/buses/modbus.ts';
import { serialPorts } from '../../daemon/buses/serial.ts';
import { openSerialPort } from '../../daemon/buses/serial-port.ts';
import { systemClock } from '../../runtime/clock.ts';
import { silentLog } from '../../runtime/log.ts';
import { RegisterBank } from '../../sim/talkers/modbus-registers.ts';
import { ModbusRtuUnits } from '../../sim/talkers/modbus-rtu.ts';
import type { Talker } from '../../sim/talkers/talker.ts';
import { openPty, type Pty } from '../pty.ts';
import { hex } from '../serial-mouth.ts';

const POLL_MS = 2;
const machine = { openSerial: openSerialPort, openTcp: () => Promise.reject(new Error('no network')) };

let pty: Pty;
let stop: AbortController;

beforeEach(() => {
  pty = openPty();
  stop = new AbortController();
});

afterEach(() => {
  stop.abort();
  pty.close();
});

/** Lets a model speak and hear through the terminal until the test ends. */
function attach(talker: Talker): void {
  const [terminal, { signal }] = [pty, stop];
  talker.powerUp((bytes) => void terminal.write(bytes));
  const listen = (): void => {
    if (signal.aborted) {
      talker.powerDown();
      return;
    }
    const heard = terminal.read();
    if (heard.length > 0) talker.hear(heard);
    systemClock.after(POLL_MS, listen);
  };
  listen();
}

test('bytes of every value go both ways unchanged', async () => {
  const all = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  const port = serialPorts({ machine, clock: systemClock, log: silentLog }).serialBytes({
    path: pty.path,
    baud: 9600,
    silenceMs: 10_000,
  });
  await port.open(stop.signal);
  await port.write(all, stop.signal);
  let sent = Buffer.alloc(0);
  await expect
    .poll(() => {
      sent = Buffer.concat([sent, pty.read()]);
      return sent.length;
    })
    .toBe(256);
  expect(sent).toEqual(all);
  await pty.write(all);
  const received: Uint8Array[] = [];
  for await (const chunk of port.chunks(stop.signal)) {
    received.push(chunk);
    if (Buffer.concat(received).length === 256) break;
  }
  expect(Buffer.concat(received)).toEqual(all);
  await port.close();
});

test('a port that is unplugged fails reader and writer', async () => {
  const port = serialPorts({ machine, clock: systemClock, log: silentLog }).serialBytes({
    path: pty.path,
    baud: 9600,
    silenceMs: 10_000,
  });
  await port.open(stop.signal);
  const drained = (async () => {
    for await (const _ of port.chunks(stop.signal)) {
      // to the end
    }
  })();
  pty.close();
  await expect(drained).rejects.toMatchObject({ code: 'PORT_LOST', context: { path: pty.path } });
  await expect(port.write(hex('424d'), stop.signal)).rejects.toMatchObject({ code: 'PORT_LOST' });
  await port.close();
});

test('ten Modbus devices of one line, all asked at once, all answer', async () => {
  const numbers = Array.from({ length: 10 }, (_, index) => index + 1);
  const units = Object.fromEntries(
    numbers.map((unit) => {
      const registers = new RegisterBank();
      registers.put('input', 0, () => [unit, 1000 + unit]);
      return [unit, { registers, answerMs: 1 }];
    }),
  );
  attach(new ModbusRtuUnits({ clock: systemClock, units }));
  const ports = modbusPorts({ machine, clock: systemClock, log: silentLog });
  const devices = numbers.map((unit) =>
    ports.modbus({ kind: 'rtu', path: pty.path, baud: 115_200, parity: 'none', stopBits: 1, unit, timeoutMs: 1000 }),
  );
  for (const device of devices) await device.open(stop.signal);
  const answers = await Promise.all(devices.map((device) => device.readRegisters('input', 0, 2, stop.signal)));
  expect(answers).toEqual(numbers.map((unit) => [unit, 1000 + unit]));
  await ports.close();
});

test('a Modbus line with even parity and two stop bits is opened', async () => {
  const ports = modbusPorts({ machine, clock: systemClock, log: silentLog });
  const device = ports.modbus({
    kind: 'rtu',
    path: pty.path,
    baud: 19_200,
    parity: 'even',
    stopBits: 2,
    unit: 1,
    timeoutMs: 20,
  });
  await device.open(stop.signal);
  await expect(device.readRegisters('input', 0, 1, stop.signal)).rejects.toMatchObject({ code: 'DEADLINE' });
  expect(pty.read()).toEqual(hex('01 04 0000 0001 31ca'));
  await ports.close();
});
