import { z } from 'zod';
import { choice, duration, pattern } from '../../runtime/config/values.ts';

const SPAN_HINT = 'Write `[lowest, highest]`.';

const span = () => z.tuple([z.number(), z.number()]).meta({ hint: SPAN_HINT });
const threshold = () => z.number().positive();
const SUSPECT = '3 (suspect)';
const FAIL = '4 (fail)';

/** A rule says one of the two at the least. */
const oneOfBoth = { anyOf: [{ required: ['suspect'] }, { required: ['fail'] }] };

const spans = {
  suspect: span().optional().describe(`Outside of \`[lowest, highest]\` the flag is ${SUSPECT}`),
  fail: span().optional().describe(`Outside of it ${FAIL}`),
};

const climatologySchema = z
  .strictObject({
    months: z.array(z.int().min(1).max(12)).min(1).max(12).describe('Months, by the UTC time of the record'),
    ...spans,
  })
  .meta(oneOfBoth);

const outlierSchema = z
  .strictObject({
    mean: z.number().optional().describe('What is usual'),
    sigma: threshold().optional().describe('Its standard deviation'),
    adaptive: duration({ min: '1s', max: '7d' })
      .optional()
      .describe('In place of both: the median of this time before the value, and its median absolute deviation'),
    k: threshold().describe(`Further from what is usual than so many standard deviations the flag is ${SUSPECT}`),
  })
  .meta({ oneOf: [{ required: ['mean', 'sigma'] }, { required: ['adaptive'] }] });

const flatLineSchema = z
  .strictObject({
    tolerance: threshold().describe('Values that lie within less than this are a flat line'),
    suspect: duration({ max: '30d' }).optional().describe(`When it has lasted for so long, the flag is ${SUSPECT}`),
    fail: duration({ max: '30d' }).optional().describe(`And when for so long, ${FAIL}`),
  })
  .meta(oneOfBoth);

/** The rules of one metric. */
export const metricRulesSchema = z.strictObject({
  gross_range: z.strictObject(spans).meta(oneOfBoth).optional().describe('What the sensor and the site can give'),
  climatology: z.array(climatologySchema).min(1).max(12).optional().describe('What is usual in some months'),
  spike: z
    .strictObject({
      suspect: threshold().optional().describe(`Beyond both of the two values before it by more: ${SUSPECT}`),
      fail: threshold().optional().describe(`By more than this: ${FAIL}`),
    })
    .meta(oneOfBoth)
    .optional()
    .describe('One value that leaps'),
  rate_of_change: z
    .strictObject({
      suspect: threshold().optional().describe(`A change since the last value by more than this \`per\`: ${SUSPECT}`),
      fail: threshold().optional().describe(`By more than this: ${FAIL}`),
      per: duration({ min: '1ms', max: '1d' }).prefault('1s').describe('The time that both are meant for'),
    })
    .meta(oneOfBoth)
    .optional()
    .describe('Faster than it can be'),
  flat_line: flatLineSchema.optional().describe('A sensor that is stuck'),
  attenuated: z
    .strictObject({
      over: duration({ min: '1s', max: '30d' }).describe('The time before each value that is looked at'),
      suspect: threshold().optional().describe(`When the standard deviation in it is less than this: ${SUSPECT}`),
      fail: threshold().optional().describe(`When it is less than this: ${FAIL}`),
    })
    .meta(oneOfBoth)
    .optional()
    .describe('A sensor that is fouled or shielded'),
  outlier: outlierSchema.optional().describe('A value that is unusual, by `mean` and `sigma` or by those before it'),
});

export type MetricRulesKeys = z.output<typeof metricRulesSchema>;

const stationRulesSchema = z
  .object({
    preset: choice(['city'])
      .optional()
      .describe('`city`: each of the nine metrics of a city station is an outlier beyond its μ ± 3.72 σ'),
  })
  .catchall(metricRulesSchema);

/** Every station. */
export const ANY_STATION = '*';

const stationKey = () =>
  pattern(
    /^(?:\*|[a-z0-9][a-z0-9._-]{0,62})$/,
    'the name of a station',
    'Write the name of a station, or "*" for all of them.',
  );

/** By station, or `*`. */
export const qualitySchema = z.record(stationKey(), stationRulesSchema).prefault({});
