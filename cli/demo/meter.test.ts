import { expect, test } from 'vitest';
import type { GatewayStatus } from '../../daemon/ops/status.ts';
import { SteppedClock } from '../../sim/clock.ts';
import { DemoMeter, type DemoMeterOptions } from './meter.ts';

test('the rate is that of the last seconds, whatever came before', async () => {
  const clock = new SteppedClock();
  let acked = 0;
  const way = { name: 'centre', kind: 'mqtt', link: 'up', pending: 3, url: 'mqtt://127.0.0.1:1' };
  let isLogFailing = false;
  const meter = new DemoMeter({
    config: { gateway: 'demo', stations: [{ name: 'buoy' }] },
    gateway: {
      status: async () =>
        await Promise.resolve({
          buffer: { records: 9, bytes: 10, bytes_max: 100 },
          forwarders: [{ ...way, acked, last_ack_age: 0.25 }],
        } as unknown as GatewayStatus),
      latest: () => undefined,
    },
    centre: { status: () => ({ intake: { stored: 7, rejected: 1, isLogFailing } }) },
    clock,
    paths: { store: 's', records: 'r', acks: 'a' },
    kafka: { broker: 'b:9092', prefix: 'p' },
  } as unknown as DemoMeterOptions);

  expect((await meter.snapshot()).link.acksPerSecond).toBe(0);
  for (let second = 1; second <= 10; second += 1) {
    acked += 100;
    await clock.advance(1000);
    expect((await meter.snapshot()).link.acksPerSecond).toBeCloseTo(100);
  }
  for (let second = 1; second <= 6; second += 1) {
    acked += 2;
    await clock.advance(1000);
    await meter.snapshot();
  }
  expect(await meter.snapshot()).toMatchObject({
    link: { up: true, acksPerSecond: 2, lastAckAgeMs: 250, url: 'mqtt://127.0.0.1:1' },
    buffer: { pending: 3, records: 9, bytes: 10, bytesMax: 100 },
    centre: { stored: 7, rejected: 1 },
    stations: [{ name: 'buoy' }],
    kafka: { broker: 'b:9092', topic: 'p.records', up: true },
  });
  isLogFailing = true;
  expect(await meter.snapshot()).toMatchObject({ kafka: { up: false } });
});
