import { lookup } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type I2cPorts, i2cPorts } from '../../daemon/buses/i2c/ports.ts';
import type { I2cDevice } from '../../drivers/driver.ts';
import { systemClock } from '../../runtime/clock.ts';
import { silentLog } from '../../runtime/log.ts';
import { SimulatedI2cBus } from '../../sim/i2c-bus.ts';
import { NativeStage } from '../fakei2c/native-stage.ts';
import { Memory } from '../i2c-stage.ts';
import { eventually } from '../processes.ts';

/** More than the threads of Node's pool, which are four: that many calls that hang in it stop DNS and files. */
const BUSES = [1, 2, 3, 4, 5];
const WELL = 6;
const WITHIN_MS = 10_000;
const never = new AbortController().signal;
const hasCode = (code: string) => expect.objectContaining({ code });

describe('five real buses that hang', { tags: ['gcc'] }, () => {
  let stage: NativeStage;
  let ports: I2cPorts;
  let devices: I2cDevice[];
  const simulated = new Map([...BUSES, WELL].map((number) => [number, new SimulatedI2cBus(new Memory(0x50))]));
  const hung = (): SimulatedI2cBus[] => BUSES.map((number) => simulated.get(number) as SimulatedI2cBus);

  beforeEach(async () => {
    stage = new NativeStage();
    for (const [number, bus] of simulated) await stage.bus(number, bus);
    const machine = { i2c: (bus: string) => stage.adapter(Number(bus.slice('i2c-'.length)), 'no-package') };
    ports = i2cPorts({ machine, clock: systemClock, log: silentLog });
    devices = [...BUSES, WELL].map((number) => ports.i2c({ bus: `i2c-${number}`, address: 0x50 }));
    await Promise.all(devices.map((device) => device.open(never)));
  });

  afterEach(async () => {
    for (const bus of simulated.values()) bus.trouble(0x50, undefined);
    await ports.close();
    await stage.end();
  });

  test('keep neither DNS nor files nor a bus that is well, nor the end, and are used again when they are free', async () => {
    for (const bus of hung()) bus.trouble(0x50, 'hang');
    const outcomes = await Promise.allSettled(devices.slice(0, BUSES.length).map((device) => device.read(1, never)));
    expect(outcomes.map((outcome) => outcome.status === 'rejected' && outcome.reason)).toEqual(
      BUSES.map(() => hasCode('DEADLINE')),
    );
    // One after the other, more often than the pool has threads.
    for (let round = 0; round < 8; round += 1) {
      expect((await lookup('localhost')).address).toMatch(/^(127\.0\.0\.1|::1)$/);
      expect((await readFile(import.meta.filename, 'utf8')).length).toBeGreaterThan(0);
      expect([...((await devices.at(-1)?.readRegister(round, 1, never)) ?? [])]).toEqual([round]);
      await expect(devices[round % BUSES.length]?.read(1, never)).rejects.toMatchObject({ code: 'BUS_STUCK' });
    }
    expect(hung().map(({ underWay, transactions }) => ({ underWay, transactions }))).toEqual(
      BUSES.map(() => ({ underWay: 1, transactions: 1 })),
    );

    const [first] = hung() as [SimulatedI2cBus];
    first.trouble(0x50, undefined);
    const bytes = await eventually('the first bus is used again', WITHIN_MS, async () => {
      try {
        return await devices[0]?.readRegister(0x33, 1, never);
      } catch (error) {
        expect(error).toMatchObject({ code: 'BUS_STUCK' });
        return undefined;
      }
    });
    expect([...bytes]).toEqual([0x33]);

    await ports.close();
    expect(hung().map(({ underWay }) => underWay)).toEqual([0, 1, 1, 1, 1]);
  });
});
