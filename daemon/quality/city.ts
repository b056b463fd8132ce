import type { FixedOutlierRule, MetricRules } from './rules.ts';

/** 0.01 and 99.99 percent of a normal distribution: Φ⁻¹(0.9999). */
const CITY_K = 3.72;

/** Mean and standard deviation of the nine metrics of a city station, in their units. */
const CITY: Readonly<Record<string, Omit<FixedOutlierRule, 'k'>>> = {
  temperature: { mean: 25, sigma: 2 },
  humidity: { mean: 60, sigma: 3 },
  pressure: { mean: 1013, sigma: 2 },
  air_quality: { mean: 200, sigma: 20 },
  particulate_matter: { mean: 30, sigma: 2 },
  noise_level: { mean: 50, sigma: 3 },
  illuminance: { mean: 500, sigma: 50 },
  wind_speed: { mean: 5, sigma: 20 },
  rainfall: { mean: 0, sigma: 3 },
};

/** The preset `city`: a value beyond μ ± 3.72 σ is suspect. */
export const CITY_RULES: Readonly<Record<string, MetricRules>> = Object.fromEntries(
  Object.entries(CITY).map(([metric, normal]) => [metric, { outlier: { ...normal, k: CITY_K } }]),
);
