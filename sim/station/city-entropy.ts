import assert from 'node:assert/strict';
import { metricNamed } from '../../protocol/metrics.ts';
import { CITY_METRICS, type CityMetric } from './city.ts';

export interface MetricEntropy {
  readonly metric: string;
  /** Bits that one value carries to somebody who knows the whole past. */
  readonly bits: number;
}

/**
 * What one record of the city station cannot be coded below, by metric: the entropy of its innovation at the
 * registry's resolution, log2(σ·√(2πe) / resolution) for a normal one (Cover and Thomas, Elements of Information
 * Theory, sections 8.1 and 8.3). A folded one carries less, as its sign is not published: half-normal about zero it is
 * exactly one bit; about another mean the density of |x| is integrated numerically. Outliers and the small wandering of
 * the level (0.1 σ), which would add a little, are left out: a bound too low, never too high.
 */
export function conditionalEntropyBits(): MetricEntropy[] {
  return CITY_METRICS.map((metric) => {
    const resolution = metricNamed(metric.name)?.resolution;
    assert(resolution !== undefined, 'every metric of the city station is in the registry');
    const density = metric.folded ? foldedEntropyBits(metric) : normalEntropyBits(metric.deviation);
    return { metric: metric.name, bits: density - Math.log2(resolution) };
  });
}

function normalEntropyBits(deviation: number): number {
  return Math.log2(deviation * Math.sqrt(2 * Math.PI * Math.E));
}

/** −∫ f·log2 f over y ≥ 0, where f(y) = n(y) + n(−y) and n is the normal density; Simpson's rule. */
function foldedEntropyBits({ mean, deviation }: CityMetric): number {
  const most = Math.abs(mean) + 12 * deviation;
  const steps = 4000;
  const normal = (x: number): number =>
    Math.exp(-0.5 * ((x - mean) / deviation) ** 2) / (deviation * Math.sqrt(2 * Math.PI));
  let sum = 0;
  for (let step = 0; step <= steps; step += 1) {
    const y = (most * step) / steps;
    const density = normal(y) + normal(-y);
    const weight = step === 0 || step === steps ? 1 : step % 2 === 1 ? 4 : 2;
    if (density > 0) sum -= weight * density * Math.log2(density);
  }
  return (sum * most) / steps / 3;
}
