import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { NUMBERED_METRICS_MAX } from './codec/record-rules.ts';
import { METRICS, metricNamed, metricNumbered } from './metrics.ts';
import { METRIC_NAME_PATTERN, RESERVED_KEYS } from './record.ts';

describe('the metric registry', () => {
  it('gives each metric a number and a name of its own', () => {
    expect(new Set(METRICS.map(({ number }) => number)).size).toBe(METRICS.length);
    expect(new Set(METRICS.map(({ name }) => name)).size).toBe(METRICS.length);
    for (const metric of METRICS) {
      expect(Number.isInteger(metric.number) && metric.number >= 1 && metric.number <= 239).toBe(true);
      expect(metricNamed(metric.name)).toBe(metric);
      expect(metricNumbered(metric.number)).toBe(metric);
    }
    expect([metricNamed('warmth'), metricNamed('constructor'), metricNumbered(0)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('uses only names that metrics may have', () => {
    for (const { name } of METRICS) {
      expect(METRIC_NAME_PATTERN.test(name), name).toBe(true);
      expect(RESERVED_KEYS.has(name), name).toBe(false);
    }
  });

  it('gives every number a plausible range and a resolution that divides one', () => {
    for (const { name, type, range, resolution } of METRICS) {
      if (type !== 'number') expect([range, resolution], name).toEqual([undefined, undefined]);
      else {
        expect(range?.[0], name).toBeLessThan(range?.[1] as number);
        expect(-Math.log10(resolution as number), name).toBeCloseTo(Math.round(-Math.log10(resolution as number)), 9);
      }
    }
  });

  it('has not changed what a number means since it first stood on the wire', () => {
    const onTheWire = METRICS.filter(({ number }) => number <= NUMBERED_METRICS_MAX);
    const lines = onTheWire.map(({ number, name, type }) => `${number} ${name} ${type}\n`).join('');
    expect(onTheWire.length).toBe(NUMBERED_METRICS_MAX);
    expect(createHash('sha256').update(lines).digest('hex')).toBe(
      'b1e96cd30aa4e399db2bd3dd051ffc6d0dc18290dd19cf4a36c01ddc68f1890f',
    );
  });
});
