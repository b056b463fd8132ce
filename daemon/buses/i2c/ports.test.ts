import { expect, test } from 'vitest';
import { Memory, stage, watch } from '../../../test/i2c-stage.ts';
import type { I2cAdapter } from '../machine.ts';
import { i2cPorts } from './ports.ts';

const never = new AbortController().signal;

test('a scan finds who answers, asks each once, and comes between nobody', async () => {
  const { adapter, device, ports, simulated } = stage();
  simulated.attach(new Memory(0x50));
  simulated.attach(new Memory(0x77));
  const a = device(0x10);
  await a.open(never);
  const scanned = ports.scan('i2c-1', never);
  const [found, bytes] = await Promise.all([scanned, a.readRegister(3, 2, never)]);
  expect(found).toEqual([0x10, 0x11, 0x50, 0x77]);
  expect([...bytes]).toEqual([3, 4]);
  expect(adapter.calls.filter((call) => call.startsWith('run'))).toHaveLength(0x70 + 1);
  expect(adapter.outMax).toBe(1);
});

test('a scan passes over a chip that babbles and counts one that the kernel has; a wire that is held fails it', async () => {
  const { adapter, ports } = stage();
  adapter.faults = ['EIO', 'EBUSY'];
  expect(await ports.scan('i2c-1', never)).toEqual([0x09, 0x10, 0x11]);
  expect(adapter.calls.at(-1)).toBe('close');
  adapter.faults = Array(0x70).fill('EIO');
  await expect(ports.scan('i2c-1', never)).rejects.toMatchObject({ code: 'BUS_FAILED' });
});

test('a bus that cannot send an address alone is scanned by reading', async () => {
  const { simulated, log, clock } = stage();
  const adapter: I2cAdapter = {
    open: () => simulated.open(),
    close: () => simulated.close(),
    run: async (job) => {
      if (job.write?.length === 0) throw Object.assign(new Error('no quick command'), { code: 'ENOTSUP' });
      return await simulated.run(job);
    },
  };
  const ports = i2cPorts({ machine: { i2c: () => adapter }, clock, log });
  expect(await ports.scan('i2c-1', never)).toEqual([0x10, 0x11]);
});

test('the end closes the bus while a call is out; those who wait and those who come are told', async () => {
  const { adapter, clock, device, ports, simulated } = stage();
  const [a, b] = [device(0x10), device(0x11)];
  await a.open(never);
  await b.open(never);
  simulated.trouble(0x10, 'hang');
  const hung = watch(a.read(1, never));
  const waits = watch(b.read(1, never));
  await clock.advance(0);
  await ports.close();
  await clock.advance(0);
  expect([hung.outcome, waits.outcome]).toEqual(['BUS_FAILED', 'BUS_FAILED']);
  await expect(a.open(never)).rejects.toMatchObject({ code: 'BUS_FAILED', retry: 'never' });
  await a.close();
  expect(adapter.calls).toEqual(['open', 'run 16', 'close']);
});

test('a device that was closed calls nothing', async () => {
  const { adapter, device } = stage();
  const a = device(0x10);
  await a.open(never);
  await a.close();
  await expect(a.read(1, never)).rejects.toMatchObject({ code: 'BUS_FAILED' });
  expect(adapter.calls).toEqual(['open', 'close']);
});
