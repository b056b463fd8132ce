import fc from 'fast-check';
import { expect, test } from 'vitest';
import { silentLog } from '../../../runtime/log.ts';
import { SteppedClock } from '../../../sim/clock.ts';
import { SimulatedI2cBus } from '../../../sim/i2c-bus.ts';
import { Memory, stage, watch } from '../../../test/i2c-stage.ts';
import type { I2cAdapter } from '../machine.ts';
import { I2cBus } from './bus.ts';
import { i2cPorts } from './ports.ts';

const never = new AbortController().signal;

test('devices of one bus share it: it is opened by the first and closed with the last', async () => {
  const { adapter, device } = stage();
  const [a, b] = [device(0x10), device(0x11)];
  await a.open(never);
  await b.open(never);
  await a.open(never);
  expect([...(await a.readRegister(7, 3, never))]).toEqual([7, 8, 9]);
  await a.close();
  expect(adapter.calls).toEqual(['open', 'run 16']);
  await b.close();
  await b.close();
  expect(adapter.calls).toEqual(['open', 'run 16', 'close']);
  await a.open(never);
  expect(adapter.calls.at(-1)).toBe('open');
});

test('transactions come in the order in which they were asked for, each whole', async () => {
  const { adapter, device, first } = stage();
  const [a, b] = [device(0x10), device(0x11)];
  await a.open(never);
  await b.open(never);
  await Promise.all<unknown>([
    a.write(Uint8Array.of(1), never),
    b.read(2, never),
    a.readRegister(2, 1, never),
    b.write(Uint8Array.of(3), never),
  ]);
  expect(adapter.calls.slice(1)).toEqual(['run 16', 'run 17', 'run 16', 'run 17']);
  expect(first.said).toEqual([[1], [2]]);
  expect(adapter.outMax).toBe(1);
});

test('bytes that are changed after they were handed over are sent as they were', async () => {
  const { device, first } = stage();
  const a = device(0x10);
  await a.open(never);
  const bytes = Uint8Array.of(5, 6);
  const written = a.write(bytes, never);
  bytes.fill(0);
  await written;
  expect(first.said).toEqual([[5, 6]]);
});

test('a call that is not back after 250 ms: its caller gets DEADLINE, the bus is stuck, and all others hear so at once', async () => {
  const { adapter, clock, device, lines, simulated } = stage();
  const [a, b] = [device(0x10), device(0x11)];
  await a.open(never);
  await b.open(never);
  simulated.trouble(0x10, 'hang');
  const hung = watch(a.read(1, never));
  const waits = watch(b.read(1, never));
  await clock.advance(249);
  expect([hung.outcome, waits.outcome]).toEqual(['pending', 'pending']);
  await clock.advance(1);
  expect([hung.outcome, waits.outcome]).toEqual(['DEADLINE', 'BUS_STUCK']);
  await clock.advance(60_000);
  await expect(b.read(1, never)).rejects.toMatchObject({
    code: 'BUS_STUCK',
    context: { bus: 'i2c-1', address: '0x11', stuckMs: 60_000, stuckBy: { address: '0x10' } },
  });
  await expect(b.open(never)).rejects.toMatchObject({ code: 'BUS_STUCK' });
  expect(adapter.calls.filter((call) => call.startsWith('run'))).toEqual(['run 16']);
  expect(lines.map(({ message }) => message)).toEqual(['I2C bus is stuck: a call has not come back']);
});

test('a bus that is free again is closed and opened before its next use, and says so once', async () => {
  const { adapter, clock, device, lines, simulated } = stage();
  const [a, b] = [device(0x10), device(0x11)];
  await a.open(never);
  await b.open(never);
  simulated.trouble(0x10, 'hang');
  watch(a.read(1, never));
  await clock.advance(250);
  simulated.trouble(0x10, undefined);
  await clock.advance(1_000);
  expect(adapter.calls).toEqual(['open', 'run 16']);
  expect([...(await b.readRegister(9, 1, never))]).toEqual([9]);
  expect(adapter.calls).toEqual(['open', 'run 16', 'close', 'open', 'run 17']);
  expect(lines.map(({ level, message }) => `${level}: ${message}`)).toEqual([
    'warn: I2C bus is stuck: a call has not come back',
    'info: I2C bus is free again',
  ]);
});

test('a line that is held for good is told of once, though each call comes back at last', async () => {
  const { clock, device, lines, simulated } = stage();
  const a = device(0x10);
  await a.open(never);
  for (const _ of [1, 2, 3]) {
    simulated.trouble(0x10, 'hang');
    watch(a.read(1, never));
    await clock.advance(1_000);
    simulated.release();
    await clock.advance(0);
  }
  expect(lines.map(({ message }) => message)).toEqual(['I2C bus is stuck: a call has not come back']);
  simulated.trouble(0x10, undefined);
  await a.read(1, never);
  expect(lines.at(-1)).toMatchObject({
    message: 'I2C bus is free again',
    fields: { bus: 'i2c-1', address: '0x10', stuckMs: 2_750 },
  });
});

test('a stuck bus without users is closed when it is free, not before', async () => {
  const { adapter, clock, device, simulated } = stage();
  const a = device(0x10);
  await a.open(never);
  simulated.trouble(0x10, 'hang');
  watch(a.read(1, never));
  await clock.advance(250);
  await a.close();
  expect(watch(a.open(never)).outcome).toBe('pending');
  await a.close();
  expect(adapter.calls).toEqual(['open', 'run 16']);
  simulated.release();
  await clock.advance(0);
  expect(adapter.calls).toEqual(['open', 'run 16', 'close']);
});

test('opening that takes longer than ten seconds leaves the bus stuck, and is closed when it comes back', async () => {
  const clock = new SteppedClock();
  const opened = Promise.withResolvers<void>();
  const calls: string[] = [];
  const adapter: I2cAdapter = {
    open: async () => {
      if (calls.push('open') === 1) await opened.promise;
    },
    run: async () => {
      calls.push('run');
      return await Promise.resolve(new Uint8Array());
    },
    close: async () => {
      calls.push('close');
      await Promise.resolve();
    },
  };
  const ports = i2cPorts({ machine: { i2c: () => adapter }, clock, log: silentLog });
  const device = ports.i2c({ bus: 'i2c-1', address: 0x10 });
  const opening = watch(device.open(never));
  await clock.advance(10_000);
  expect(opening.outcome).toBe('DEADLINE');
  opened.resolve();
  await clock.advance(0);
  await device.open(never);
  expect(calls).toEqual(['open', 'close', 'open']);
});

test('the bus hears at each opening which multiplexers its devices stand behind', async () => {
  const clock = new SteppedClock();
  const opened: unknown[] = [];
  const faults = ['ECHILD'];
  const adapter: I2cAdapter = {
    open: async (muxes) => {
      opened.push(muxes);
      await Promise.resolve();
    },
    run: async ({ readLength = 0 }) => {
      const code = faults.shift();
      if (code !== undefined) throw Object.assign(new Error(code), { code });
      return await Promise.resolve(new Uint8Array(readLength));
    },
    close: () => Promise.resolve(),
  };
  const ports = i2cPorts({ machine: { i2c: () => adapter }, clock, log: silentLog });
  const muxes = [
    { address: 0x70, channel: 3 },
    { address: 0x71, channel: 3 },
    { address: 0x70, channel: 4 },
  ] as const;
  const [device] = muxes.map((mux) => ports.i2c({ bus: 'i2c-1', address: 0x76, mux }));
  await device?.open(never);
  const read = watch((device as NonNullable<typeof device>).read(1, never));
  await clock.advance(2);
  expect(read.outcome).toBeInstanceOf(Buffer);
  expect(opened).toEqual([
    [0x70, 0x71],
    [0x70, 0x71],
  ]);
});

test('another bus knows nothing of one that is stuck', async () => {
  const { clock, log } = stage();
  const buses = new Map([
    ['i2c-1', new SimulatedI2cBus(new Memory(0x10))],
    ['i2c-3', new SimulatedI2cBus(new Memory(0x10))],
  ]);
  const ports = i2cPorts({ machine: { i2c: (bus) => buses.get(bus) as SimulatedI2cBus }, clock, log });
  const [a, b] = [ports.i2c({ bus: 'i2c-1', address: 0x10 }), ports.i2c({ bus: 'i2c-3', address: 0x10 })];
  await a.open(never);
  await b.open(never);
  buses.get('i2c-1')?.trouble(0x10, 'hang');
  const hung = watch(a.read(1, never));
  expect([...(await b.readRegister(4, 1, never))]).toEqual([4]);
  await clock.advance(250);
  expect(hung.outcome).toBe('DEADLINE');
  expect([...(await b.readRegister(5, 1, never))]).toEqual([5]);
});

test('who is aborted while waiting leaves the line, and nothing is called for it', async () => {
  const { adapter, clock, device, simulated } = stage();
  const [a, b] = [device(0x10), device(0x11)];
  await a.open(never);
  await b.open(never);
  simulated.trouble(0x10, 'hang');
  const hung = watch(a.read(1, never));
  const gone = new AbortController();
  const waits = watch(b.write(Uint8Array.of(1), gone.signal));
  const stays = watch(b.read(1, never));
  gone.abort(new Error('no longer wanted'));
  await clock.advance(0);
  expect(waits.outcome).toEqual(new Error('no longer wanted'));
  simulated.release();
  await clock.advance(0);
  expect(hung.outcome).toBe('pending');
  simulated.trouble(0x10, undefined);
  await clock.advance(20);
  expect([...(stays.outcome as Buffer)]).toEqual([0]);
  expect(adapter.calls.filter((call) => call === 'run 17')).toHaveLength(1);
});

test('who is aborted while a call is out is answered at once, and the bus waits for the call', async () => {
  const { adapter, clock, device, simulated } = stage();
  const [a, b] = [device(0x10), device(0x11)];
  await a.open(never);
  await b.open(never);
  simulated.trouble(0x10, 'hang');
  const gone = new AbortController();
  const hung = watch(a.read(1, gone.signal));
  const waits = watch(b.read(1, never));
  await clock.advance(0);
  gone.abort(new Error('no longer wanted'));
  await clock.advance(100);
  expect([hung.outcome, waits.outcome]).toEqual([new Error('no longer wanted'), 'pending']);
  simulated.release();
  await clock.advance(0);
  expect([...(waits.outcome as Buffer)]).toEqual([0]);
  expect(adapter.outMax).toBe(1);
});

test.each([
  ['EIO', 3],
  ['EREMOTEIO', 3],
  ['ETIMEDOUT', 3],
  ['EAGAIN', 3],
  ['ENXIO', 2],
  ['EINVAL', 1],
])('%s is met with %i attempts at the most', async (code, attempts) => {
  const { adapter, clock, device } = stage();
  const a = device(0x10);
  await a.open(never);
  adapter.faults = Array(10).fill(code);
  const failed = watch(a.read(1, never));
  await clock.advance(250);
  expect(failed.outcome).toBe(code === 'ENXIO' || code === 'EREMOTEIO' ? 'I2C_NO_DEVICE' : 'BUS_FAILED');
  expect(adapter.calls.filter((call) => call === 'run 16')).toHaveLength(attempts);
  adapter.faults = Array(attempts - 1).fill(code);
  const cured = watch(a.read(1, never));
  await clock.advance(250);
  expect(cured.outcome).toBeInstanceOf(Buffer);
});

test('others have their turn while one waits to try again', async () => {
  const { adapter, clock, device } = stage();
  const [a, b] = [device(0x10), device(0x11)];
  await a.open(never);
  await b.open(never);
  adapter.faults = ['EIO'];
  const tried = watch(a.read(1, never));
  const other = watch(b.read(1, never));
  await clock.advance(0);
  expect(tried.outcome).toBe('pending');
  expect(other.outcome).toBeInstanceOf(Buffer);
  await clock.advance(2);
  expect(tried.outcome).toBeInstanceOf(Buffer);
  expect(adapter.calls.slice(1)).toEqual(['run 16', 'run 17', 'run 16']);
});

test('nothing is tried again in the second half of its time, lest the bus pass for stuck', async () => {
  const { adapter, clock, device, simulated } = stage();
  const a = device(0x10);
  await a.open(never);
  simulated.trouble(0x10, 'hang');
  const failed = watch(a.read(1, never));
  await clock.advance(124);
  simulated.release();
  await clock.advance(50);
  expect(failed.outcome).toBe('BUS_FAILED');
  expect(adapter.calls.filter((call) => call === 'run 16')).toHaveLength(1);
});

test('nothing is tried again where others took so long that it would begin late', async () => {
  const { adapter, clock, device, simulated } = stage();
  const [a, b] = [device(0x10), device(0x11)];
  await a.open(never);
  await b.open(never);
  adapter.faults = ['EIO'];
  simulated.trouble(0x11, 'hang');
  const tried = watch(a.read(1, never));
  watch(b.read(1, never));
  await clock.advance(245);
  simulated.trouble(0x11, undefined);
  await clock.advance(1);
  expect(tried.outcome).toBe('BUS_FAILED');
  expect(adapter.calls.filter((call) => call === 'run 16')).toHaveLength(1);
});

test('a bus that was closed under its users is opened anew, once', async () => {
  const { adapter, clock, device, simulated } = stage();
  const a = device(0x10);
  await a.open(never);
  adapter.faults = ['ECHILD'];
  const cured = watch(a.read(1, never));
  await clock.advance(2);
  expect(cured.outcome).toBeInstanceOf(Buffer);
  expect(adapter.calls).toEqual(['open', 'run 16', 'close', 'open', 'run 16']);
  simulated.isAbsent = true;
  const gone = watch(a.read(1, never));
  await clock.advance(250);
  expect(gone.outcome).toBe('PORT_ABSENT');
  simulated.isAbsent = false;
  expect(await a.read(1, never)).toBeInstanceOf(Buffer);
});

type Step = { readonly kind: 'read' | 'abort' | 'hang' | 'well' | 'nack' | 'wait' | 'close'; readonly which: number };

const steps = fc.array(
  fc.record<Step>({
    kind: fc.constantFrom('read', 'read', 'read', 'abort', 'hang', 'well', 'nack', 'wait', 'close'),
    which: fc.nat(3),
  }),
  { maxLength: 40 },
);

test('whatever happens, one call at the most is out, and every caller is answered within its time', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (story) => {
      const { adapter, clock, device, simulated } = stage();
      const devices = [device(0x10), device(0x11), device(0x10), device(0x12)];
      const asked: { readonly outcome: unknown; readonly sinceMs: number; readonly controller: AbortController }[] = [];
      for (const { kind, which } of story) {
        const chosen = devices[which] as ReturnType<typeof device>;
        if (kind === 'read') {
          const controller = new AbortController();
          const read = chosen.open(controller.signal).then(() => chosen.read(1, controller.signal));
          asked.push(Object.assign(watch(read), { sinceMs: clock.monotonicMs(), controller }));
        }
        if (kind === 'abort') asked[which]?.controller.abort(new Error('no longer wanted'));
        if (kind === 'hang') simulated.trouble(which < 2 ? 0x10 : 0x11, 'hang');
        if (kind === 'nack') simulated.trouble(which < 2 ? 0x10 : 0x11, 'nack');
        if (kind === 'well') {
          simulated.trouble(0x10, undefined);
          simulated.trouble(0x11, undefined);
        }
        if (kind === 'wait') await clock.advance([0, 1, 100, 400][which] as number);
        if (kind === 'close') void chosen.close();
      }
      // The longest way: to wait for one that hangs to its deadline.
      await clock.advance(600);
      expect(asked.filter(({ outcome }) => outcome === 'pending')).toEqual([]);
      expect(adapter.outMax).toBeLessThanOrEqual(1);
      simulated.trouble(0x10, undefined);
      simulated.trouble(0x11, undefined);
      await clock.advance(600);
      await (devices[0] as ReturnType<typeof device>).open(never);
      expect(await (devices[0] as ReturnType<typeof device>).read(1, never)).toBeInstanceOf(Buffer);
      expect(adapter.out).toBe(0);
      expect(clock.pendingTimers).toBe(0);
    }),
    { numRuns: 300 },
  );
});

test('a transaction has the time that its bus was given', async () => {
  const { adapter, clock, log, simulated } = stage();
  const bus = new I2cBus({ name: 'i2c-1', adapter, clock, log, transactionMs: 40 });
  await bus.retain({}, never);
  simulated.trouble(0x10, 'hang');
  const hung = watch(bus.transact({ address: 0x10, readLength: 1 }, never));
  await clock.advance(40);
  expect(hung.outcome).toBe('DEADLINE');
});
