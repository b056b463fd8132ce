import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { METRICS } from '../../protocol/metrics.ts';
import { MetricTable, roundTo } from './metric-table.ts';

describe('a value in a record', () => {
  it('is the multiple of the resolution that is nearest, written in no more decimals than it has', () => {
    const resolutions = [...new Set(METRICS.flatMap(({ resolution }) => resolution ?? []))];
    fc.assert(
      fc.property(
        fc.constantFrom(...resolutions, 0.05, 0.25, 5, 0.3),
        fc.double({ min: -1e6, max: 1e6, noNaN: true }),
        (resolution, value) => {
          const rounded = roundTo(value, resolution);
          expect(Math.abs(rounded - value)).toBeLessThanOrEqual((resolution / 2) * (1 + 1e-6));
          const decimals = (String(resolution).split('.')[1] ?? '').length;
          expect(rounded).toBe(Number(rounded.toFixed(decimals)));
          expect(Object.is(rounded, -0)).toBe(false);
        },
      ),
    );
  });

  const table = new MetricTable([
    { name: 'housing_temperature', type: 'number', unit: '°C', resolution: 0.5 },
    { name: 'note', type: 'text', unit: '' },
  ]);

  it.each([
    ['temperature', 21.23456, 21.23],
    ['temperature', 0, 0],
    ['temperature', -0.001, 0],
    ['housing_temperature', 21.3, 21.5],
    ['door_open', false, false],
    ['note', '', ''],
    ['x_unheard_of', 1.23456789, 1.23456789],
    ['x_unheard_of', 'open', 'open'],
  ])('%s: %j stands there as %j', (name, value, expected) => {
    expect(table.admit(name, value)).toBe(expected);
  });

  it.each([
    ['temperature', '21'],
    ['temperature', true],
    ['temperature', Number.NaN],
    ['temperature', Number.POSITIVE_INFINITY],
    ['temperature', null],
    ['door_open', 1],
    ['note', 5],
    ['note', 'ä'.repeat(65)],
    ['x_unheard_of', { deep: 1 }],
  ])('%s: %j may not stand there', (name, value) => {
    expect(table.admit(name, value)).toBeUndefined();
  });
});
