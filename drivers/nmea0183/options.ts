import { z } from 'zod';
import { duration, filePath } from '../../runtime/config/values.ts';
import { METRIC_NAMES } from './preference.ts';
import { TRANSDUCER_NAMES, type TransducerMetric } from './transducers.ts';

const XDR_METRICS = ['temperature', 'dew_point', 'humidity', 'pressure'] as const satisfies readonly TransducerMetric[];

const transducerName = (what: string) =>
  z
    .string()
    .max(32)
    .optional()
    .describe(`Name of the transducer of XDR sentences that gives the ${what}; '' where it has none`);

/** The driver's keys in the configuration. */
export const optionsSchema = z.strictObject({
  port: filePath().describe('Serial port, by its stable name under /dev/serial/by-id'),
  baud: z
    .literal([1200, 2400, 4800, 9600, 19_200, 38_400, 57_600, 115_200, 230_400, 460_800, 921_600])
    .prefault(4800)
    .meta({ hint: 'NMEA 0183 is 4800, its high-speed form 38400; many GPS receivers use 9600.' })
    .describe('Bits per second; 8 data bits, no parity, 1 stop bit'),
  silence: duration({ min: '1s', max: '1h' })
    .prefault('30s')
    .describe('A port without a byte for so long, or without a valid sentence for twice as long, is opened again'),
  only: z
    .array(z.enum(METRIC_NAMES))
    .min(1)
    .optional()
    .describe('The metrics to take from this port, beside those of `xdr`; left out: all that it can give'),
  xdr: z
    .array(z.enum(XDR_METRICS))
    .prefault([])
    .describe('Metrics to take from XDR sentences; none if left out, because a station has one sensor per metric'),
  xdr_names: z
    .strictObject({
      temperature: transducerName('air temperature'),
      dew_point: transducerName('dew point'),
      water_temperature: transducerName('water temperature'),
      humidity: transducerName('relative humidity'),
      pressure: transducerName('air pressure'),
    })
    .prefault({})
    .describe('What transducers are called, where it is none of the usual names'),
  transducer_depth: z
    .number()
    .min(0)
    .max(50)
    .optional()
    .describe('Metres from the surface down to the transducer: taken off the depths of DBS sentences'),
  transducer_above_keel: z
    .number()
    .min(0)
    .max(50)
    .optional()
    .describe('Metres from the transducer down to the keel: added to the depths of DBK sentences'),
});

export type Options = z.infer<typeof optionsSchema>;

/** The options as the readers of sentences need them. */
export interface Settings {
  readonly metrics: ReadonlySet<string>;
  /** Names of transducers in capitals, per metric that is taken from XDR. */
  readonly transducers: ReadonlyMap<TransducerMetric, readonly string[]>;
  readonly transducerDepthM: number;
  readonly transducerAboveKeelM: number;
}

/** The metrics that a port with these options may give. */
export function metricsOf({ only, xdr }: Options): readonly string[] {
  return [...new Set<string>([...(only ?? METRIC_NAMES), ...xdr])];
}

export function settingsOf(options: Options): Settings {
  const metrics = new Set(metricsOf(options));
  const transducers = new Map<TransducerMetric, readonly string[]>();
  for (const [metric, usual] of Object.entries(TRANSDUCER_NAMES) as [TransducerMetric, readonly string[]][]) {
    const own = options.xdr_names[metric];
    if (metrics.has(metric)) transducers.set(metric, own === undefined ? usual : [own.toUpperCase()]);
  }
  return {
    metrics,
    transducers,
    transducerDepthM: options.transducer_depth ?? 0,
    transducerAboveKeelM: options.transducer_above_keel ?? 0,
  };
}
