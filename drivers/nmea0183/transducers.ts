import { number } from './fields.ts';
import type { Settings } from './options.ts';
import { type Claim, claims, type Reader } from './report.ts';

/** `MTW,temperature,C`: water temperature. */
export const readMtw: Reader = ([temperature, unit]) => ({
  claims: claims('MTW', true, { water_temperature: unit === 'C' ? number(temperature) : undefined }),
});

/** The metrics that a transducer may give, with the letter of its type. */
export const TRANSDUCER_TYPES = {
  temperature: 'C',
  dew_point: 'C',
  water_temperature: 'C',
  humidity: 'H',
  pressure: 'P',
} as const;
export type TransducerMetric = keyof typeof TRANSDUCER_TYPES;

/**
 * Names in use, in capitals; the standard leaves them to the makers. `ENV_…`: chart plotters and multiplexers that follow
 * OpenCPN; STNP: Airmar's station pressure.
 */
export const TRANSDUCER_NAMES: Readonly<Record<TransducerMetric, readonly string[]>> = {
  temperature: ['TEMPAIR', 'AIRTEMP', 'ENV_OUTAIR_T', 'ENV_OUTSIDE_T'],
  dew_point: ['DEWPOINT', 'ENV_DEW_T'],
  water_temperature: ['WATERTEMP', 'TEMPWATER', 'ENV_WATER_T'],
  humidity: ['HUMIDITY', 'ENV_OUTSIDE_H', 'ENV_OUTAIR_H'],
  pressure: ['BAROMETER', 'BARO', 'ENV_ATMOS_P', 'STNP'],
};

/** Pressure in hPa from each unit: bar, pascal, and hPa, which Vaisala writes as H. */
const TO_HPA: Readonly<Record<string, (value: number) => number>> = {
  B: (bar) => bar * 1000,
  P: (pascal) => pascal / 100,
  H: (hPa) => hPa,
};

/** `XDR,type,value,unit,name` and the same again for each further transducer. Those that nobody asked for say nothing. */
export const readXdr: Reader = (fields, settings) => {
  const found: Claim[] = [];
  for (let at = 0; at + 3 < fields.length; at += 4) {
    const [type = '', field = '', unit = '', name = ''] = fields.slice(at, at + 4);
    const metric = metricOf(type, name, settings);
    if (metric !== undefined) found.push(...claims('XDR', true, { [metric]: converted(type, field, unit) }));
  }
  return { claims: found };
};

function metricOf(type: string, name: string, { transducers }: Settings): TransducerMetric | undefined {
  for (const [metric, names] of transducers) {
    if (TRANSDUCER_TYPES[metric] === type && names.includes(name.toUpperCase())) return metric;
  }
  return undefined;
}

function converted(type: string, field: string, unit: string): number | undefined {
  const value = number(field);
  if (value === undefined) return undefined;
  if (type === 'C') return unit === 'C' ? value : undefined;
  if (value < 0) return undefined;
  if (type === 'H') return unit === 'P' ? value : undefined;
  return Object.hasOwn(TO_HPA, unit) ? TO_HPA[unit]?.(value) : undefined;
}
