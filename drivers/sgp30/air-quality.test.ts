import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { airQualityOf, INDEX_PER_PPB_MAX } from './air-quality.ts';

const { levelsMgM3, ppbPerMgM3 } = JSON.parse(
  readFileSync(new URL('fixtures/examples.json', import.meta.url), 'utf8'),
) as { readonly levelsMgM3: readonly number[]; readonly ppbPerMgM3: number };

const ppb = fc.integer({ min: 0, max: 60_000 });

test.each(levelsMgM3.map((mgM3, level) => [mgM3, 100 * (level + 1)]))(
  'the level that ends at %f mg/m³ ends at an index of %i',
  (mgM3, index) => {
    // 0.3 mg/m³ are 66 ppb, which those who give the levels in ppb have as 65.
    expect(Math.abs(airQualityOf(mgM3 * ppbPerMgM3) - index)).toBeLessThan(1);
  },
);

test('it goes from 0 to 500 and never falls where TVOC rises', () => {
  expect(airQualityOf(0)).toBe(0);
  fc.assert(
    fc.property(ppb, ppb, (a, b) => {
      const [low, high] = [airQualityOf(Math.min(a, b)), airQualityOf(Math.max(a, b))];
      expect(low).toBeGreaterThanOrEqual(0);
      expect(high).toBeLessThanOrEqual(500);
      expect(high).toBeGreaterThanOrEqual(low);
      if (Math.max(a, b) <= 5500 && a !== b) expect(high).toBeGreaterThan(low);
    }),
  );
});

test('it has no jumps: a ppb more is one step more at the most', () => {
  const steps = Array.from({ length: 6000 }, (_, tvoc) => airQualityOf(tvoc + 1) - airQualityOf(tvoc));
  expect(Math.max(...steps)).toBeCloseTo(INDEX_PER_PPB_MAX, 9);
});

test('it is no less accurate than TVOC, by its share of the value', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 50_000 }),
      fc.double({ min: 0.85, max: 1.15, noNaN: true }),
      (tvoc, factor) => {
        const error = Math.abs(airQualityOf(tvoc * factor) / airQualityOf(tvoc) - 1);
        expect(error).toBeLessThanOrEqual(Math.abs(factor - 1) + 1e-9);
      },
    ),
  );
});
