import { metricNamed } from '../../protocol/metrics.ts';
import { SeededRandom } from '../../runtime/random.ts';

/** One metric of the city station: where it returns to, and how far one record strays from the last ones. */
export interface CityMetric {
  readonly name: string;
  /** Long-run mean, in the registry's unit. */
  readonly mean: number;
  /** Standard deviation of the innovation: what cannot be known from the past. */
  readonly deviation: number;
  /** Published as its absolute value: what it measures is never negative, and its mean is within reach of zero. */
  readonly folded: boolean;
  /** Outliers stand this many deviations from the mean: beyond 3.72, the usual test of this data, and within range. */
  readonly outlierDeviations: readonly [least: number, most: number];
}

const FAR: CityMetric['outlierDeviations'] = [6, 10];

/** Means and deviations of a publicly documented city station data set (nine metrics, one record a second). */
export const CITY_METRICS: readonly CityMetric[] = [
  { name: 'temperature', mean: 25, deviation: 2, folded: false, outlierDeviations: FAR },
  { name: 'humidity', mean: 60, deviation: 3, folded: false, outlierDeviations: FAR },
  { name: 'pressure', mean: 1013, deviation: 2, folded: false, outlierDeviations: FAR },
  { name: 'air_quality', mean: 200, deviation: 20, folded: false, outlierDeviations: [5, 9] },
  { name: 'particulate_matter', mean: 30, deviation: 2, folded: false, outlierDeviations: FAR },
  { name: 'noise_level', mean: 50, deviation: 3, folded: false, outlierDeviations: FAR },
  { name: 'illuminance', mean: 500, deviation: 50, folded: false, outlierDeviations: [5, 9] },
  { name: 'wind_speed', mean: 5, deviation: 20, folded: true, outlierDeviations: [4.2, 4.7] },
  { name: 'rainfall', mean: 0, deviation: 3, folded: true, outlierDeviations: FAR },
];

/** How many records the level remembers. */
const MEMORY = 300;
/** Weights of the oldest and the newest remembered record; linear in between. */
const WEIGHTS = [1, 1.5] as const;
/**
 * The share of its deviation from the mean that the level keeps. Below one the process is stationary (an AR(300)
 * whose coefficients sum to it); at one each station would be a random walk.
 */
const PERSISTENCE = 0.8;
/** Chance that a value is replaced by an outlier. */
const OUTLIER_CHANCE = 0.0005;

/** An outlier as it was injected. */
export interface Outlier {
  /** Counts the station's samples from 0. */
  readonly record: number;
  readonly metric: string;
  /** What would have been published. */
  readonly clean: number;
  readonly published: number;
}

export interface CitySample {
  /** Metric → value, not rounded. */
  readonly values: Readonly<Record<string, number>>;
  readonly outliers: readonly Outlier[];
}

export interface CityOptions {
  readonly seed: number;
  /** Chance that a value is replaced by an outlier; 0.0005 if left out. */
  readonly outlierChance?: number;
}

/**
 * A city station as a process of nine independent metrics. Each sample is `level + N(0, σ)`, where
 * `level = μ + φ·(m − μ)` and m is the weighted mean of the last 300 values before folding and outliers. The same seed
 * gives the same series. A draw beyond the registry's range is drawn again: wind above 100 m/s, about one sample in a
 * million, is the only one that ever comes.
 */
export class City {
  /** Decides about outliers only, so that the clean series is the same with and without them. */
  readonly #chance: SeededRandom;
  readonly #outlierChance: number;
  readonly #series: readonly Series[];
  #record = 0;

  constructor({ seed, outlierChance = OUTLIER_CHANCE }: CityOptions) {
    const random = new SeededRandom(seed);
    this.#chance = new SeededRandom(~seed);
    this.#outlierChance = outlierChance;
    this.#series = CITY_METRICS.map((metric) => new Series(metric, random));
  }

  next(): CitySample {
    const record = this.#record;
    this.#record += 1;
    const values: Record<string, number> = {};
    const outliers: Outlier[] = [];
    for (const series of this.#series) {
      const { name } = series.metric;
      const clean = series.next();
      values[name] = clean;
      if (this.#chance.uniform() >= this.#outlierChance) continue;
      const published = this.#outlierOf(series.metric);
      values[name] = published;
      outliers.push({ record, metric: name, clean, published });
    }
    return { values, outliers };
  }

  #outlierOf({ mean, deviation, folded, outlierDeviations: [least, most] }: CityMetric): number {
    const distance = deviation * (least + (most - least) * this.#chance.uniform());
    const isBelow = this.#chance.uniform() < 0.5 && !folded;
    return isBelow ? mean - distance : mean + distance;
  }
}

/** The injected outliers among the first `records` samples of a seed: the truth that a detector is judged by. */
export function* cityTruth(options: CityOptions, records: number): Generator<Outlier> {
  const city = new City(options);
  for (let record = 0; record < records; record += 1) yield* city.next().outliers;
}

/** The same as text, one JSON object a line: `{"record":12,"metric":"rainfall","clean":1.9,"published":24.2}`. */
export function cityTruthFile(options: CityOptions, records: number): string {
  return Array.from(cityTruth(options, records), (outlier) => `${JSON.stringify(outlier)}\n`).join('');
}

/** One metric's past and next value. */
class Series {
  readonly metric: CityMetric;
  readonly #random: SeededRandom;
  /** A ring of the last values; the one at `#oldest` goes next. */
  readonly #memory: Float64Array;
  readonly #range: readonly [number, number];
  #oldest = 0;

  constructor(metric: CityMetric, random: SeededRandom) {
    this.metric = metric;
    this.#random = random;
    // A station that has been running for a while: with an empty memory its first minutes would wander.
    this.#memory = Float64Array.from({ length: MEMORY }, () => random.normal(metric.mean, metric.deviation));
    this.#range = metricNamed(metric.name)?.range ?? [-Infinity, Infinity];
  }

  next(): number {
    const { mean, deviation, folded } = this.metric;
    const level = mean + PERSISTENCE * (this.#weightedMean() - mean);
    const [least, most] = this.#range;
    for (;;) {
      const value = this.#random.normal(level, deviation);
      const published = folded ? Math.abs(value) : value;
      if (published < least || published > most) continue;
      this.#memory[this.#oldest] = value;
      this.#oldest = (this.#oldest + 1) % MEMORY;
      return published;
    }
  }

  #weightedMean(): number {
    let sum = 0;
    for (let age = 0; age < MEMORY; age += 1) {
      sum += (MEMORY_WEIGHTS[age] as number) * (this.#memory[(this.#oldest + age) % MEMORY] as number);
    }
    return sum;
  }
}

/** Oldest first, scaled to a sum of one. */
const MEMORY_WEIGHTS: Float64Array = normalised(
  Float64Array.from({ length: MEMORY }, (_, index) => WEIGHTS[0] + ((WEIGHTS[1] - WEIGHTS[0]) * index) / (MEMORY - 1)),
);

function normalised(weights: Float64Array): Float64Array {
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}
