import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BatchPace } from './batch-pace.ts';

const make = (lingerMs = 0): BatchPace => new BatchPace({ recordsMax: 1000, bytesMax: 4_000_000, lingerMs });

const write = (batch: BatchPace, times: number, part = 1): void => {
  for (let time = 0; time < times; time += 1) {
    const { records, bytes } = batch.pace;
    batch.written({ records: records * part, bytes: bytes * part }, 10);
  }
};

test('a write that was too much is halved as often as it takes, and grows again while its room is used', () => {
  const batch = make();
  batch.wasTooMuch({ records: 1000, bytes: 300_000 });
  expect(batch.pace).toMatchObject({ records: 500, bytes: 150_000 });
  while (batch.pace.records > 1) batch.wasTooMuch(batch.pace);
  write(batch, 7);
  expect(batch.pace.records).toBe(1);
  write(batch, 1);
  expect(batch.pace.records).toBe(33);
  // Half of it at least has to have been tried.
  write(batch, 100, 0.4);
  expect(batch.pace.records).toBe(33);
  write(batch, 8 * 32);
  expect(batch.pace).toMatchObject({ records: 1000, bytes: 4_000_000 });
});

test('where one record was too much, the store was away, and nothing is known about its size', () => {
  const batch = make();
  for (let time = 0; time < 10; time += 1) batch.wasTooMuch(batch.pace);
  expect(batch.pace).toMatchObject({ records: 1000, bytes: 4_000_000 });
});

test('whatever happens, a write is about something, never more than was said, and halving ends what is too much', () => {
  const size = fc.record({ records: fc.integer({ min: 1, max: 1000 }), bytes: fc.integer({ min: 1, max: 8_000_000 }) });
  const event = fc.record({ size, tookMs: fc.double({ min: 0, max: 20_000, noNaN: true }), isTooMuch: fc.boolean() });
  fc.assert(
    fc.property(fc.array(event), fc.integer({ min: 1, max: 1000 }), (events, bearable) => {
      const batch = make(50);
      for (const each of events) {
        if (each.isTooMuch) batch.wasTooMuch(each.size);
        else batch.written(each.size, each.tookMs);
        const { records, bytes, lingerMs } = batch.pace;
        expect(records).toBeGreaterThanOrEqual(1);
        expect(records).toBeLessThanOrEqual(1000);
        expect(bytes).toBeGreaterThanOrEqual(1);
        expect(bytes).toBeLessThanOrEqual(4_000_000);
        expect(lingerMs).toBeGreaterThanOrEqual(50);
        expect(lingerMs).toBeLessThanOrEqual(500);
      }
      for (let tries = 0; batch.pace.records > bearable; tries += 1) {
        expect(tries).toBeLessThan(10);
        batch.wasTooMuch({ records: batch.pace.records, bytes: 1 });
      }
    }),
  );
});

test('by default nobody waits; where it is said, as long as a write takes, up to ten times what was said', () => {
  const patient = make(100);
  expect(patient.pace.lingerMs).toBe(100);
  for (let time = 0; time < 50; time += 1) patient.written({ records: 1, bytes: 1 }, 400);
  expect(patient.pace.lingerMs).toBeCloseTo(400);
  for (let time = 0; time < 50; time += 1) patient.written({ records: 1, bytes: 1 }, 4000);
  expect(patient.pace.lingerMs).toBe(1000);
  const hasty = make(0);
  hasty.written({ records: 1, bytes: 1 }, 4000);
  expect(hasty.pace.lingerMs).toBe(0);
});
