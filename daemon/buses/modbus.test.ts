import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ModbusDevice } from '../../drivers/driver.ts';
import { MooringError } from '../../runtime/errors.ts';
import { silentLog } from '../../runtime/log.ts';
import { SteppedClock } from '../../sim/clock.ts';
import { SimulatedSerialLine } from '../../sim/serial-line.ts';
import { RegisterBank } from '../../sim/talkers/modbus-registers.ts';
import { ModbusRtuUnits, type ModbusUnit } from '../../sim/talkers/modbus-rtu.ts';
import type { Talker } from '../../sim/talkers/talker.ts';
import type { SerialLineSettings, SerialOpening } from './machine.ts';
import { modbusPorts } from './modbus.ts';

const never = new AbortController().signal;
const TIMEOUT_MS = 100;
const PATH = '/dev/rs485';

/** Input register 10 of a unit is 1000 × its number. */
function unitOf(unit: number, more: Partial<ModbusUnit> = {}): ModbusUnit {
  const registers = new RegisterBank();
  registers.put('input', 10, () => [unit * 1000]);
  registers.put('input', 0, () => [7]);
  registers.put('holding', 20, () => [0xffff, 0, 0x8000]);
  return { registers, ...more };
}

/** @param closingMs how long the port takes to close */
function stage(units: Readonly<Record<number, ModbusUnit>>, closingMs = 0) {
  const clock = new SteppedClock();
  const slaves = new ModbusRtuUnits({ clock, units });
  const line = new SimulatedSerialLine(slaves, { baud: 9600 });
  const openSerial = async (settings: SerialLineSettings): Promise<SerialOpening> => {
    const opening = await line.openSerial(settings);
    const close = async (): Promise<void> => await clock.sleep(closingMs).then(() => opening.close());
    return closingMs === 0 ? opening : { ...opening, close };
  };
  const openTcp = (): Promise<never> => Promise.reject(new Error('no network'));
  const ports = modbusPorts({
    machine: { openSerial, openTcp },
    clock,
    log: silentLog,
  });
  const device = (unit: number, timeoutMs = TIMEOUT_MS, baud = 9600): ModbusDevice =>
    ports.modbus({ kind: 'rtu', path: PATH, baud, parity: 'none', stopBits: 1, unit, timeoutMs });
  return { clock, slaves, line, ports, device };
}

async function reopen(devices: readonly ModbusDevice[]): Promise<void> {
  for (const each of devices) await each.close();
  for (const each of devices) await each.open(never);
}

/** What a call has come to so far. */
function watch<T>(work: Promise<T>): { outcome: T | string | Error } {
  const watched: { outcome: T | string | Error } = { outcome: 'pending' };
  work.then(
    (value) => {
      watched.outcome = value;
    },
    (error: Error) => {
      watched.outcome = error instanceof MooringError ? error.code : error;
    },
  );
  return watched;
}

describe('registers', () => {
  test('of both kinds come as words of 16 bits', async () => {
    const { clock, device } = stage({ 3: unitOf(3) });
    const a = device(3);
    await a.open(never);
    const input = watch(a.readRegisters('input', 10, 1, never));
    await clock.advance(50);
    expect(input.outcome).toEqual([3000]);
    const holding = watch(a.readRegisters('holding', 20, 3, never));
    await clock.advance(50);
    expect(holding.outcome).toEqual([0xffff, 0, 0x8000]);
    await a.close();
    expect(clock.pendingTimers).toBe(0);
  });

  test.each([
    [{ exception: 1 }, 'SENSOR_FAILED', 'illegal function', 'later'],
    [{ exception: 2 }, 'SENSOR_FAILED', 'illegal data address', 'later'],
    [{ exception: 6 }, 'SENSOR_FAILED', 'server device busy', 'now'],
    [{ exception: 99 }, 'SENSOR_FAILED', 'exception 99', 'later'],
  ])('that are refused (%j) fail with the name of the exception', async ({ exception }, code, name, retry) => {
    const { clock, device, slaves } = stage({ 3: unitOf(3) });
    const registers = slaves.units.get(3)?.registers as RegisterBank;
    registers.exception = exception;
    const a = device(3);
    await a.open(never);
    const answered = a.readRegisters('input', 10, 1, never).catch((error: unknown) => error);
    await clock.advance(50);
    expect(await answered).toMatchObject({ code, retry, context: { path: PATH, unit: 3, exception } });
    expect(((await answered) as Error).message).toContain(name);
    await a.close();
  });

  test('with a wrong checksum are READING_DAMAGED, and the next ones good', async () => {
    const unit = unitOf(3, { isDamaged: true });
    const { clock, device } = stage({ 3: unit });
    const a = device(3);
    await a.open(never);
    const damaged = watch(a.readRegisters('input', 10, 1, never));
    await clock.advance(50);
    expect(damaged.outcome).toBe('READING_DAMAGED');
    unit.isDamaged = false;
    const good = watch(a.readRegisters('input', 10, 1, never));
    await clock.advance(50);
    expect(good.outcome).toEqual([3000]);
    await a.close();
  });

  test('are found behind noise and an echo of the request', async () => {
    const { clock, device, line } = stage({ 3: unitOf(3) });
    const a = device(3);
    await a.open(never);
    line.trouble = 'babble';
    for (let attempt = 0; attempt < 20; attempt += 1) {
      const read = watch(a.readRegisters('input', 10, 1, never));
      await clock.advance(300);
      expect(read.outcome).toEqual([3000]);
    }
    await a.close();
  });
});

describe('a unit that does not answer', () => {
  test('is DEADLINE when its time and that of the bytes on the wire is over, to be tried again', async () => {
    const { clock, device } = stage({});
    const a = device(3);
    await a.open(never);
    const read = a.readRegisters('input', 10, 1, never);
    const failed = watch(read);
    // A gap, 8 bytes out and 7 back at 10 bits each.
    await clock.advance(TIMEOUT_MS + 15.6);
    expect(failed.outcome).toBe('pending');
    await clock.advance(4);
    expect(failed.outcome).toBe('DEADLINE');
    await expect(read).rejects.toMatchObject({ retry: 'now' });
    await a.close();
    expect(clock.pendingTimers).toBe(0);
  });

  test('does not keep others waiting longer than that', async () => {
    const { clock, device } = stage({ 4: unitOf(4) });
    const [absent, present] = [device(3), device(4)];
    await absent.open(never);
    await present.open(never);
    const failed = watch(absent.readRegisters('input', 10, 1, never));
    const read = watch(present.readRegisters('input', 10, 1, never));
    await clock.advance(TIMEOUT_MS + 60);
    expect([failed.outcome, read.outcome]).toEqual(['DEADLINE', [4000]]);
  });

  test('in time, and answers later, is not taken at its late word', async () => {
    const unit = unitOf(3, { answerMs: TIMEOUT_MS + 70 });
    const { clock, device } = stage({ 3: unit });
    const a = device(3);
    await a.open(never);
    const late = watch(a.readRegisters('input', 0, 1, never));
    await clock.advance(TIMEOUT_MS + 25);
    expect(late.outcome).toBe('DEADLINE');
    unit.answerMs = 90;
    // The same number of registers from another place: the late answer, which comes first, would pass for it.
    const next = watch(a.readRegisters('input', 10, 1, never));
    await clock.advance(2 * TIMEOUT_MS + 60);
    expect(next.outcome).toEqual([3000]);
  });
});

describe('a line that is closed and opened again', () => {
  test.each([
    ['its time was over', TIMEOUT_MS + 40, TIMEOUT_MS + 20],
    ['it was given up', 60, 30],
  ])('takes no answer of a request before, whether %s', async (_, answerMs, afterMs) => {
    const unit = unitOf(3, { answerMs });
    const { clock, device, line } = stage({ 3: unit });
    const a = device(3);
    await a.open(never);
    watch(a.readRegisters('input', 0, 1, never));
    await clock.advance(afterMs);
    await a.close();
    await a.open(never);
    expect(line.openings).toBe(2);
    unit.answerMs = 90;
    const next = watch(a.readRegisters('input', 10, 1, never));
    await clock.advance(3 * TIMEOUT_MS + 60);
    expect(next.outcome).toEqual([3000]);
  });

  test('does not pass for taken while it is being closed', async () => {
    const { clock, line, device } = stage({}, 20);
    const [a, b] = [device(1), device(2)];
    await a.open(never);
    const closed = watch(a.close());
    const opened = watch(b.open(never));
    await clock.advance(20);
    expect([closed.outcome, opened.outcome]).toEqual([undefined, undefined]);
    expect(line.openings).toBe(2);
  });
});

test('an adapter that hears itself is understood, whatever register is asked for', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 0xff00 }), fc.integer({ min: 1, max: 4 }), async (at, count) => {
      const clock = new SteppedClock();
      const registers = new RegisterBank();
      const words = Array.from({ length: count }, (_, index) => 1000 + index);
      registers.put('input', at, () => words);
      const units = new ModbusRtuUnits({ clock, units: { 3: { registers } } });
      const echoing: Talker = {
        powerUp(say) {
          units.powerUp(say);
          this.hear = (bytes) => {
            // In pieces, as they come from the wire.
            say(bytes.subarray(0, 7));
            say(bytes.subarray(7));
            units.hear(bytes);
          };
        },
        powerDown: () => units.powerDown(),
        hear: () => undefined,
      };
      const line = new SimulatedSerialLine(echoing, { baud: 9600 });
      const openTcp = (): Promise<never> => Promise.reject(new Error('no network'));
      const machine = { openSerial: line.openSerial.bind(line), openTcp };
      const device = modbusPorts({ machine, clock, log: silentLog }).modbus({
        ...{ kind: 'rtu', path: PATH, baud: 9600, parity: 'none', stopBits: 1, unit: 3, timeoutMs: TIMEOUT_MS },
      });
      await device.open(never);
      const read = watch(device.readRegisters('input', at, count, never));
      await clock.advance(60);
      expect(read.outcome).toEqual(words);
      await device.close();
    }),
    // Where the high byte of the register's number is the length of an answer.
    {
      numRuns: 100,
      examples: [
        [0x0200, 1],
        [0x02ff, 1],
        [0x0404, 2],
        [0x0801, 4],
      ],
    },
  );
});

test('however slow its units and whatever is asked of them, no answer is ever taken for another', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          unit: fc.integer({ min: 1, max: 2 }),
          answerMs: fc.integer({ min: 0, max: 2 * TIMEOUT_MS - 20 }),
          at: fc.integer({ min: 0, max: 2 }),
          pauseMs: fc.nat(150),
          isReopened: fc.boolean(),
        }),
        { maxLength: 12 },
      ),
      async (asked) => {
        const units: Record<number, ModbusUnit> = {};
        for (const unit of [1, 2]) {
          const registers = new RegisterBank();
          for (const at of [0, 1, 2]) registers.put('input', at, () => [unit * 100 + at]);
          units[unit] = { registers };
        }
        const { clock, device } = stage(units);
        const devices = [device(1), device(2)] as const;
        for (const each of devices) await each.open(never);
        const reads: { readonly outcome: unknown; readonly right: number }[] = [];
        const reopened: Promise<void>[] = [];
        for (const { unit, answerMs, at, pauseMs, isReopened } of asked) {
          (units[unit] as ModbusUnit).answerMs = answerMs;
          const read = watch((devices[unit - 1] as ModbusDevice).readRegisters('input', at, 1, never));
          reads.push(
            Object.defineProperty({ right: unit * 100 + at, outcome: undefined }, 'outcome', {
              get: () => read.outcome,
            }),
          );
          await clock.advance(pauseMs);
          if (isReopened) reopened.push(reopen(devices));
        }
        await clock.advance(10_000);
        await Promise.all(reopened);
        for (const { outcome, right } of reads)
          expect(['DEADLINE', 'READING_DAMAGED', 'PORT_LOST', `${right}`]).toContain(String(outcome));
        for (const each of devices) await each.close();
        expect(clock.pendingTimers).toBe(0);
      },
    ),
    { numRuns: 150 },
  );
});

describe('a line', () => {
  test('that five ask at once has one request under way, and answers all', async () => {
    const units = { 1: unitOf(1), 2: unitOf(2), 3: unitOf(3), 4: unitOf(4), 5: unitOf(5) };
    const { clock, device, slaves } = stage(units);
    const devices = [1, 2, 3, 4, 5].map((unit) => device(unit));
    for (const each of devices) await each.open(never);
    const reads = devices.map((each) => watch(each.readRegisters('input', 10, 1, never)));
    await clock.advance(10);
    expect(slaves.requests).toBe(1);
    await clock.advance(200);
    expect(reads.map(({ outcome }) => outcome)).toEqual([[1000], [2000], [3000], [4000], [5000]]);
  });

  test('that is unplugged is PORT_LOST at once, PORT_ABSENT until it is back, and fresh then', async () => {
    const { clock, device, line } = stage({ 3: unitOf(3), 4: unitOf(4) });
    const [a, b] = [device(3), device(4)];
    await a.open(never);
    await b.open(never);
    const read = watch(a.readRegisters('input', 10, 1, never));
    const waits = watch(b.readRegisters('input', 10, 1, never));
    await clock.advance(6);
    line.unplug();
    await clock.advance(0);
    expect([read.outcome, waits.outcome]).toEqual(['PORT_LOST', 'PORT_LOST']);
    await expect(b.readRegisters('input', 10, 1, never)).rejects.toMatchObject({ code: 'PORT_LOST' });
    await a.close();
    await expect(a.open(never)).rejects.toMatchObject({ code: 'PORT_ABSENT' });
    line.plug();
    await a.open(never);
    const again = watch(b.readRegisters('input', 10, 1, never));
    await clock.advance(50);
    expect(again.outcome).toEqual([4000]);
    expect(line.openings).toBe(2);
  });

  test('is opened by its first device and closed with its last', async () => {
    const { device, line } = stage({});
    const [a, b] = [device(3), device(4)];
    await a.open(never);
    await b.open(never);
    await b.open(never);
    expect(line.openings).toBe(1);
    await a.close();
    await expect(line.openSerial({ path: PATH, baud: 9600 })).rejects.toMatchObject({ code: 'EBUSY' });
    await expect(a.readRegisters('input', 10, 1, never)).rejects.toMatchObject({ code: 'PORT_LOST' });
    await b.close();
    await (await line.openSerial({ path: PATH, baud: 9600 })).close();
  });

  test('is refused to who wants it at another speed', async () => {
    const { device } = stage({});
    await device(3).open(never);
    await expect(device(4, TIMEOUT_MS, 19_200).open(never)).rejects.toMatchObject({ code: 'PORT_BUSY' });
  });

  test('that takes for ever to close keeps nobody from ending', async () => {
    const { clock, device, ports } = stage({}, 60_000);
    await device(3).open(never);
    const closed = watch(ports.close());
    await clock.advance(1000);
    expect(closed.outcome).toBeUndefined();
  });

  test('closed for good rejects what is under way and what waits', async () => {
    const { clock, device, ports } = stage({});
    const [a, b] = [device(3), device(4)];
    await a.open(never);
    await b.open(never);
    const reads = [watch(a.readRegisters('input', 10, 1, never)), watch(b.readRegisters('input', 10, 1, never))];
    await clock.advance(6);
    await ports.close();
    await clock.advance(0);
    expect(reads.map(({ outcome }) => outcome)).toEqual(['PORT_LOST', 'PORT_LOST']);
    // That of the modelled device, which waits for the end of the request.
    await clock.advance(4);
    expect(clock.pendingTimers).toBe(0);
  });
});

test('who gives up is answered at once, and the next request waits for the answer that is still to come', async () => {
  const { clock, device, slaves } = stage({ 3: unitOf(3, { answerMs: 60 }), 4: unitOf(4) });
  const [a, b] = [device(3), device(4)];
  await a.open(never);
  await b.open(never);
  const off = new AbortController();
  const given = watch(a.readRegisters('input', 10, 1, off.signal));
  const waits = watch(b.readRegisters('input', 10, 1, never));
  await clock.advance(10);
  off.abort(new Error('given up'));
  await clock.advance(0);
  expect(given.outcome).toEqual(new Error('given up'));
  await clock.advance(40);
  expect(slaves.requests).toBe(1);
  await clock.advance(100);
  expect(waits.outcome).toEqual([4000]);
});
