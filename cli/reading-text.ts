import type { MetricDefinition } from '../protocol/metrics.ts';
import type { Flag, Location, MetricValue } from '../protocol/record.ts';

/** Words for QARTOD's numbers. */
export const FLAG_NAMES: Readonly<Record<Flag, string>> = {
  1: 'pass',
  2: 'not evaluated',
  3: 'suspect',
  4: 'fail',
  9: 'missing',
};

/** A value with as many decimals as its metric's resolution has; `–` where there is none. */
export function valueText(
  value: MetricValue | undefined,
  definition: Pick<MetricDefinition, 'resolution'> | undefined,
): string {
  if (value === undefined) return '–';
  const resolution = definition?.resolution;
  if (typeof value !== 'number' || resolution === undefined) return String(value);
  return value.toFixed(Math.max(0, Math.round(-Math.log10(resolution))));
}

/** `42.48078° N 3.17683° E`: to about a metre. */
export function placeText({ lat, lon }: Location): string {
  return `${Math.abs(lat).toFixed(5)}° ${lat < 0 ? 'S' : 'N'} ${Math.abs(lon).toFixed(5)}° ${lon < 0 ? 'W' : 'E'}`;
}
