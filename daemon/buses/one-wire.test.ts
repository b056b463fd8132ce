import { beforeEach, expect, test } from 'vitest';
import type { OneWireDevice } from '../../drivers/driver.ts';
import { MooringError } from '../../runtime/errors.ts';
import { SteppedClock } from '../../sim/clock.ts';
import { type SimulatedDs18b20, SimulatedOneWire } from '../../sim/one-wire.ts';
import { LogLines } from '../../test/log-lines.ts';
import { oneWirePorts } from './one-wire.ts';

const never = new AbortController().signal;
const [A, B] = ['28-00000000000a', '28-00000000000b'] as const;

let clock: SteppedClock;
let log: LogLines;
let wire: SimulatedOneWire;
let reads: string[];
let deviceOf: (id: string) => OneWireDevice;

beforeEach(() => {
  clock = new SteppedClock();
  log = new LogLines();
  reads = [];
  const devices: Record<string, SimulatedDs18b20> = { [A]: { quantity: 'a' }, [B]: { quantity: 'b' } };
  wire = new SimulatedOneWire({ clock, truth: (quantity) => (quantity === 'a' ? 10 : 20), devices });
  const oneWire = {
    list: () => wire.list(),
    read: async (id: string, file: string) => {
      reads.push(id);
      return await wire.read(id, file);
    },
  };
  deviceOf = oneWirePorts({ machine: { oneWire }, clock, log }).oneWire;
});

function trouble(id: string, what: SimulatedDs18b20['trouble']): void {
  (wire.devices.get(id) as SimulatedDs18b20).trouble = what;
}

/** What a read has come to so far: the temperature, or the code of its error. */
function watch(work: Promise<string>): { outcome: unknown } {
  const watched: { outcome: unknown } = { outcome: 'pending' };
  work.then(
    (text) => {
      watched.outcome = /t=(\d+)/.exec(text)?.[1];
    },
    (error: Error) => {
      watched.outcome = error instanceof MooringError ? error.code : error;
    },
  );
  return watched;
}

test('one read at a time is on the wire, in the order in which they came', async () => {
  const a = watch(deviceOf(A).read('w1_slave', never));
  const b = watch(deviceOf(B).read('w1_slave', never));
  await clock.advance(749);
  expect([reads, a.outcome]).toEqual([[A], 'pending']);
  await clock.advance(1);
  expect([reads, a.outcome, b.outcome]).toEqual([[A, B], '10000', 'pending']);
  await clock.advance(750);
  expect(b.outcome).toBe('20000');
  expect(clock.pendingTimers).toBe(0);
});

test('a device that the kernel does not know is PORT_ABSENT, with those that it knows; one that goes is PORT_LOST', async () => {
  await expect(deviceOf('28-00000000000c').open(never)).rejects.toMatchObject({
    code: 'PORT_ABSENT',
    context: { known: [A, B] },
  });
  await deviceOf(A).open(never);
  trouble(A, 'absent');
  expect(await watched(deviceOf(A).read('w1_slave', never))).toBe('PORT_LOST');
  await expect(deviceOf(A).open(never)).rejects.toMatchObject({ code: 'PORT_ABSENT' });
});

test('an error of the system is BUS_FAILED', async () => {
  const read = watch(deviceOf(A).read('w1_slave', never));
  await clock.advance(100);
  trouble(A, 'absent');
  await clock.advance(650);
  expect(read.outcome).toBe('BUS_FAILED');
});

test('a read that does not come back is DEADLINE, and the bus is stuck until it has: all others hear so at once', async () => {
  trouble(A, 'hang');
  const hung = watch(deviceOf(A).read('w1_slave', never));
  const waits = watch(deviceOf(B).read('w1_slave', never));
  await clock.advance(2999);
  expect([hung.outcome, waits.outcome]).toEqual(['pending', 'pending']);
  await clock.advance(1);
  expect([hung.outcome, waits.outcome]).toEqual(['DEADLINE', 'BUS_STUCK']);
  expect(await watched(deviceOf(B).read('w1_slave', never))).toBe('BUS_STUCK');
  await expect(deviceOf(B).open(never)).rejects.toMatchObject({ code: 'BUS_STUCK' });
  expect(reads).toEqual([A]);
  trouble(A, undefined);
  wire.release();
  await clock.advance(0);
  await deviceOf(B).open(never);
  const again = watch(deviceOf(B).read('w1_slave', never));
  await clock.advance(750);
  expect(again.outcome).toBe('20000');
  expect(log.said).toEqual([
    'warn: the 1-Wire bus is stuck: a read has not come back',
    'info: the 1-Wire bus is free again',
  ]);
});

test('who gives up is answered at once, and leaves the line or lets its read come back first', async () => {
  const off = new AbortController();
  const read = watch(deviceOf(A).read('w1_slave', off.signal));
  const waits = watch(deviceOf(A).read('w1_slave', off.signal));
  const stays = watch(deviceOf(B).read('w1_slave', never));
  await clock.advance(100);
  off.abort(new Error('given up'));
  await clock.advance(0);
  expect([read.outcome, waits.outcome]).toEqual([new Error('given up'), new Error('given up')]);
  expect(reads).toEqual([A]);
  await clock.advance(1400);
  expect([reads, stays.outcome]).toEqual([[A, B], '20000']);
});

async function watched(work: Promise<string>): Promise<unknown> {
  const read = watch(work);
  await clock.advance(0);
  return read.outcome;
}
