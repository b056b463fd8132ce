import { z } from 'zod';
import { utcDate } from '../../runtime/config/values.ts';
import { metricName } from './names.ts';

const point = () => z.tuple([z.number(), z.number()]).meta({ hint: 'Write `[raw, true]`.' });

/** What makes a true value of a raw one: a calibration has exactly one of these keys. */
export const SHAPES = ['offset', 'polynomial', 'two_point', 'table'] as const;

export const calibrationSchema = z
  .strictObject({
    id: z.string().min(1).max(64).optional().describe('Name of the calibration: of its certificate, say'),
    unit: z.string().max(32).optional().describe('Unit of the raw values; required where it is not that of the metric'),
    from: utcDate().optional().describe('Holds from this day or moment on, UTC; the first of a list may do without'),
    offset: z.number().optional().describe('Is added to the raw value'),
    polynomial: z
      .array(z.number())
      .min(2)
      .max(8)
      .optional()
      .describe('`[c0, c1, …]`: c0 + c1·raw + c2·raw² …; strictly monotone over what the sensor can give'),
    two_point: z
      .tuple([point(), point()])
      .optional()
      .describe('The line through `[[raw, true], [raw, true]]`')
      .meta({ hint: 'Write `[[raw, true], [raw, true]]`.' }),
    table: z
      .array(point())
      .min(2)
      .max(64)
      .optional()
      .describe('Lines from point to point, `[[raw, true], …]`, the first and the last going on beyond the ends'),
    keep_raw: z.boolean().prefault(false).describe('The raw value stands in the record too, as `<metric>_raw`'),
  })
  // With an id it stands in the JSON Schema once, not once for each driver.
  .meta({ id: 'calibration', oneOf: SHAPES.map((shape) => ({ required: [shape] })) });

/** By the driver's own names of metrics: one calibration, or a list of them in the order of their dates. */
export const calibrateSchema = z
  .record(metricName(), z.union([calibrationSchema, z.array(calibrationSchema).min(1).max(64)]))
  .prefault({});
