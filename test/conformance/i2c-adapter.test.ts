import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Log, silentLog } from '../../runtime/log.ts';
import { SimulatedI2cBus } from '../../sim/i2c-bus.ts';
import { i2cBusModule } from '../fakei2c/build.ts';
import type { FakeI2cBus } from '../fakei2c/fake-bus.ts';
import { NativeStage } from '../fakei2c/native-stage.ts';
import { Memory } from '../i2c-stage.ts';
import { describeI2cAdapter, type I2cHarness } from './i2c-adapter.ts';

describeI2cAdapter('simulated', async (bus) => ({
  adapter: await Promise.resolve(bus),
  async absent(isAbsent) {
    bus.isAbsent = isAbsent;
    await Promise.resolve();
  },
  end: () => Promise.resolve(),
}));

/** Of a package that is not there. */
const NO_MODULE = 'i2c-bus-that-was-not-installed';

describe.each([
  { library: 'i2c-bus', moduleOf: i2cBusModule },
  { library: 'koffi', moduleOf: () => NO_MODULE },
])('over $library', { tags: ['gcc'] }, ({ library, moduleOf }) => {
  const harness: I2cHarness = async (bus, muxes) => {
    const stage = new NativeStage();
    await stage.bus(1, bus, muxes);
    return {
      adapter: stage.adapter(1, moduleOf()),
      async absent(isAbsent) {
        if (isAbsent) await stage.remove(1);
        else await stage.bus(1, bus, muxes);
      },
      end: () => stage.end(),
    };
  };
  describeI2cAdapter(`/dev/i2c-N through ${library}`, harness);

  describe('on the wire', () => {
    let stage: NativeStage;
    let fake: FakeI2cBus;

    beforeEach(async () => {
      stage = new NativeStage();
      const bus = new SimulatedI2cBus(new Memory(0x50));
      for (const channel of [1, 2]) bus.attach(new Memory(0x51), { address: 0x70, channel });
      fake = await stage.bus(1, bus, [0x70, 0x71]);
    });

    afterEach(async () => {
      await stage.end();
    });

    test('every error keeps its name, whatever was asked', async () => {
      const adapter = stage.adapter(1, moduleOf());
      await adapter.open();
      const jobs = [
        { write: Uint8Array.of(1) },
        { readLength: 2 },
        { write: Uint8Array.of(1), readLength: 2, isCombined: true },
        { write: new Uint8Array() },
      ];
      for (const code of ['EREMOTEIO', 'ENXIO', 'EIO', 'ETIMEDOUT', 'EAGAIN', 'ENOTSUP', 'EINVAL']) {
        for (const job of jobs) {
          fake.failures.push(code);
          await expect(adapter.run({ address: 0x50, ...job })).rejects.toMatchObject({ code });
        }
      }
    });

    test('an address that a driver of the kernel has: EBUSY, and nothing is said on the wire, however often', async () => {
      stage.take(1, 0x68);
      const adapter = stage.adapter(1, moduleOf());
      await adapter.open();
      for (const job of [{ write: Uint8Array.of(6) }, { readLength: 1 }, { write: new Uint8Array() }]) {
        await expect(adapter.run({ address: 0x68, ...job })).rejects.toMatchObject({ code: 'EBUSY' });
      }
      expect([...(await adapter.run({ address: 0x50, readLength: 1 }))]).toEqual([0]);
      expect(fake.wire).toEqual(['50>1']);
    });

    test('a bus that this user may not open: EACCES', async () => {
      stage.forbidden(3);
      await expect(stage.adapter(3, moduleOf()).open()).rejects.toMatchObject({ code: 'EACCES' });
    });

    test('a channel is named before each transaction, and left connected until one goes elsewhere', async () => {
      const adapter = stage.adapter(1, moduleOf());
      await adapter.open();
      const behind = (channel: number) => ({ address: 0x51, readLength: 1, mux: { address: 0x70, channel } });
      await adapter.run(behind(1));
      await adapter.run(behind(1));
      await adapter.run(behind(2));
      await adapter.run({ address: 0x50, readLength: 1 });
      await adapter.run({ address: 0x50, readLength: 1 });
      expect(fake.wire).toEqual([...['70<02', '51>1', '70<02', '51>1', '70<04', '51>1'], ...['70<00', '50>1', '50>1']]);
    });

    test('a channel that a process before has left connected does not spoil what is behind another multiplexer', async () => {
      const [before, after] = [stage.adapter(1, moduleOf()), stage.adapter(1, moduleOf())];
      await before.open([0x70, 0x71]);
      await before.run({ address: 0x51, readLength: 1, mux: { address: 0x70, channel: 1 } });
      await before.close();
      fake.wire.length = 0;
      await after.open([0x70, 0x71]);
      const other = { address: 0x51, readLength: 1, mux: { address: 0x71, channel: 1 } };
      await expect(after.run(other)).rejects.toMatchObject({ code: 'ENXIO' });
      expect(fake.wire).toEqual(['70<00', '71<02', '51>1']);
    });

    test('a multiplexer without power keeps nobody else from the bus', async () => {
      const adapter = stage.adapter(1, moduleOf());
      await adapter.open();
      await adapter.run({ address: 0x51, readLength: 1, mux: { address: 0x70, channel: 1 } });
      fake.failures.push('EREMOTEIO');
      expect([...(await adapter.run({ address: 0x50, readLength: 1 }))]).toEqual([0]);
      expect(fake.wire.slice(2)).toEqual(['70<00', '50>1']);
      fake.failures.push('EREMOTEIO');
      await expect(
        adapter.run({ address: 0x51, readLength: 1, mux: { address: 0x70, channel: 1 } }),
      ).rejects.toMatchObject({ code: 'EREMOTEIO' });
      expect(fake.wire.slice(4)).toEqual(['70<02']);
    });

    test('the log says once through which library, and why', async () => {
      const said: object[] = [];
      const log: Log = { ...silentLog, info: (fields, message) => void said.push({ message, ...fields }) };
      const adapter = stage.adapter(1, moduleOf(), log);
      await adapter.open();
      await adapter.close();
      await adapter.open();
      const reason = expect.stringContaining(NO_MODULE);
      expect(said).toEqual([
        { message: 'I2C bus is open', bus: 'i2c-1', library, ...(library === 'koffi' ? { reason } : {}) },
      ]);
    });
  });
});
