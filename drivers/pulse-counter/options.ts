import { z } from 'zod';
import { METRICS } from '../../protocol/metrics.ts';
import { duration } from '../../runtime/config/values.ts';
import { gpioLine } from '../gpio-line.ts';

const NUMBERS = METRICS.filter(({ type }) => type === 'number').map(({ name }) => name);

const byPulse = (what: string) => z.number().positive().max(1e6).optional().describe(what);

/** The driver's keys in the configuration. */
export const optionsSchema = z
  .strictObject({
    gpio: gpioLine(),
    per_pulse: byPulse(
      'Amount that one pulse stands for: `0.2` mm of a tipping bucket. The metric is what came since the last sample',
    ),
    per_hz: byPulse('Or: what one pulse a second stands for: `0.667` m/s of an anemometer. The metric is the rate'),
    metric: z
      .enum(NUMBERS, {
        error: ({ input }) => (input === undefined ? undefined : 'is no metric whose values are numbers'),
      })
      .optional()
      .describe('The metric that it gives; `rainfall` with `per_pulse`, `wind_speed` with `per_hz` if left out'),
    edge: z
      .enum(['rising', 'falling', 'both'])
      .default('falling')
      .describe('The edges that count; `falling` suits a contact to ground'),
    bias: z
      .enum(['up', 'down', 'none'])
      .default('up')
      .describe("The line's own resistor; `up` suits a contact to ground, `none` one that has a resistor"),
    debounce: duration({ max: '1s' })
      .prefault('5ms')
      .describe(
        'Edges that come sooner after the last one are a contact that bounces; the fastest pulses are twice as far apart',
      ),
    calm: duration({ min: '500ms', max: '10m' })
      .prefault('5s')
      .describe('With `per_hz`: after so long without a pulse the rate is 0'),
  })
  .refine(({ per_pulse, per_hz }) => per_pulse === undefined || per_hz === undefined, {
    error: 'stands beside `per_hz`; keep one',
    path: ['per_pulse'],
  })
  .refine(({ per_pulse, per_hz }) => per_pulse !== undefined || per_hz !== undefined, {
    error: 'has to be given, or `per_hz`: one of both',
    path: ['per_pulse'],
  })
  .meta({ oneOf: [{ required: ['per_pulse'] }, { required: ['per_hz'] }] });

export type Options = z.output<typeof optionsSchema>;

export function metricOf({ metric, per_pulse }: Options): string {
  return metric ?? (per_pulse === undefined ? 'wind_speed' : 'rainfall');
}
