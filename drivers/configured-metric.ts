import { z } from 'zod';
import { metricNamed } from '../protocol/metrics.ts';
import { METRIC_NAME_PATTERN, type MetricValue, RESERVED_KEYS } from '../protocol/record.ts';
import { pattern } from '../runtime/config/values.ts';
import type { DriverMetric } from './driver.ts';

/** The keys of a metric that only the configuration knows, and of how a device's number becomes its value: spread into a schema. */
export function metricKeys() {
  return {
    metric: pattern(
      METRIC_NAME_PATTERN,
      'the name of a metric',
      'The metric that the number stands for: temperature, say.',
    )
      .refine((name) => !RESERVED_KEYS.has(name), { error: 'is a word that every record has' })
      .refine((name) => metricNamed(name)?.type !== 'text', { error: 'is a metric of text' })
      .describe('What the number stands for'),
    scale: z
      .number()
      .prefault(1)
      .describe("Times this, and `offset` added, a number of the device is the metric's value"),
    offset: z.number().prefault(0).describe("In the metric's unit"),
    range: z
      .tuple([z.number(), z.number()])
      .refine(([lowest, highest]) => lowest < highest, { error: 'does not begin below its end' })
      .optional()
      .meta({ hint: 'Write the lowest and the highest value: [-40, 85].' })
      .describe("Lowest and highest value that the device can give, in the metric's unit; what is beyond is missing"),
  };
}

export interface ConfiguredMetric {
  readonly metric: string;
  readonly scale: number;
  readonly offset: number;
  readonly range?: readonly [number, number] | undefined;
}

export function declarationOf({ metric, range }: ConfiguredMetric): DriverMetric {
  return { name: metric, ...(range === undefined ? {} : { range }) };
}

/** The metric's value; undefined where the number is none, or beyond the range. Of a boolean metric everything but 0 is true. */
export function metricValueOf(
  { metric, scale, offset, range }: ConfiguredMetric,
  raw: number,
): MetricValue | undefined {
  const value = raw * scale + offset;
  if (!Number.isFinite(value)) return undefined;
  if (range !== undefined && (value < range[0] || value > range[1])) return undefined;
  return metricNamed(metric)?.type === 'boolean' ? value !== 0 : value;
}
