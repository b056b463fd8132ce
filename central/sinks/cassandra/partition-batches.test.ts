import fc from 'fast-check';
import { expect, test } from 'vitest';
import { batchesOf } from './partition-batches.ts';

const row = fc.record({
  partition: fc.constantFrom('a', 'b', 'c'),
  values: fc.constant([]),
  index: fc.nat(),
  bytes: fc.integer({ min: 100, max: 70_000 }),
});

test('every row is in one batch, which is of one partition, of fifty rows at most, and small unless it is one row', () => {
  fc.assert(
    fc.property(fc.array(row, { maxLength: 300 }), (rows) => {
      const batches = batchesOf(rows);
      expect(new Set(batches.flat())).toEqual(new Set(rows));
      expect(batches.flat().length).toBe(rows.length);
      for (const batch of batches) {
        expect(new Set(batch.map(({ partition }) => partition)).size).toBe(1);
        expect(batch.length).toBeLessThanOrEqual(50);
        const bytes = batch.reduce((sum, each) => sum + each.bytes, 0);
        expect(batch.length === 1 || bytes <= 65_536).toBe(true);
      }
    }),
  );
});

test('rows of few partitions make few batches', () => {
  const rows = Array.from({ length: 1000 }, (_, index) => ({
    partition: `${index % 4}`,
    values: [],
    index,
    bytes: 300,
  }));
  expect(batchesOf(rows).length).toBe(20);
});
