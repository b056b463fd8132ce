import { describe, expect, it } from 'vitest';
import { type MetricDefinition, metricNamed } from '../../protocol/metrics.ts';
import { CITY_METRICS, City, type CityMetric, cityTruth, cityTruthFile } from './city.ts';
import { conditionalEntropyBits } from './city-entropy.ts';

const RECORDS = 36_000;

/** Every metric's series, outliers left out. */
function cleanSeries(seed: number, records: number): Map<string, Float64Array> {
  const city = new City({ seed, outlierChance: 0 });
  const series = new Map(CITY_METRICS.map(({ name }) => [name, new Float64Array(records)]));
  for (let record = 0; record < records; record += 1) {
    for (const [name, value] of Object.entries(city.next().values)) (series.get(name) as Float64Array)[record] = value;
  }
  return series;
}

function meanOf(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** E|x| of a normal x: σ·√(2/π)·exp(−μ²/2σ²) + μ·erf(μ/σ√2), here summed numerically. */
function foldedMean(mean: number, deviation: number): number {
  let sum = 0;
  let weights = 0;
  for (let step = -6000; step <= 6000; step += 1) {
    const z = step / 1000;
    const weight = Math.exp(-0.5 * z * z);
    sum += weight * Math.abs(mean + deviation * z);
    weights += weight;
  }
  return sum / weights;
}

function rangeOf(name: string): readonly [number, number] {
  return (metricNamed(name) as Required<MetricDefinition>).range;
}

describe('the city station', () => {
  // The mean of n records strays by σ / (1 − φ) / √n, with φ = 0.8: 0.026 σ in ten hours, 0.083 σ in one.
  it('stays about its means: ten hours, and every hour of them', () => {
    const series = cleanSeries(7, RECORDS);
    for (const { name, mean, deviation, folded } of CITY_METRICS) {
      const values = series.get(name) as Float64Array;
      const expected = folded ? foldedMean(mean, deviation) : mean;
      expect(Math.abs(meanOf(values) - expected) / deviation, name).toBeLessThan(0.12);
      for (let hour = 0; hour < 10; hour += 1) {
        const ofHour = meanOf(values.subarray(hour * 3600, (hour + 1) * 3600));
        expect(Math.abs(ofHour - expected) / deviation, `${name}, hour ${hour}`).toBeLessThan(0.4);
      }
    }
  });

  it('does not walk off with time: the level strays no further late than early, over 40 stations', () => {
    const strays = (from: number, to: number): number => {
      const means = stations.flatMap((series) =>
        CITY_METRICS.filter(({ folded }) => !folded).map(
          ({ name, mean, deviation }) =>
            (meanOf((series.get(name) as Float64Array).subarray(from, to)) - mean) / deviation,
        ),
      );
      return Math.sqrt(means.reduce((sum, each) => sum + each * each, 0) / means.length);
    };
    const stations = Array.from({ length: 40 }, (_, seed) => cleanSeries(seed, 3600));
    const [early, late] = [strays(0, 300), strays(3300, 3600)];
    // A random walk of this memory would have strayed by 1.4 deviations after an hour.
    expect(late).toBeLessThan(0.3);
    expect(late).toBeLessThan(early + 0.1);
  });

  it('keeps every value within the range of the registry, outliers included', () => {
    const city = new City({ seed: 7, outlierChance: 0.05 });
    for (let record = 0; record < 20_000; record += 1) {
      for (const [name, value] of Object.entries(city.next().values)) {
        const [least, most] = rangeOf(name);
        expect(value >= least && value <= most, `${name} ${value}`).toBe(true);
      }
    }
  });

  it('labels exactly the outliers: with their clean values in place the series is the one without outliers', () => {
    const options = { seed: 11, outlierChance: 0.01 };
    const [city, clean] = [new City(options), new City({ seed: 11, outlierChance: 0 })];
    const samples = Array.from({ length: 3000 }, () => city.next());
    const labelled = samples.flatMap(({ outliers }) => outliers);
    expect(labelled.length).toBeGreaterThan(200);
    for (const [record, { values, outliers }] of samples.entries()) {
      const mended = Object.fromEntries(outliers.map((outlier) => [outlier.metric, outlier.clean]));
      expect({ ...values, ...mended }).toEqual(clean.next().values);
      for (const outlier of outliers) {
        expect(outlier).toMatchObject({ record, published: values[outlier.metric] });
        const { mean, deviation } = CITY_METRICS.find(({ name }) => name === outlier.metric) as CityMetric;
        // The usual test of this data would find it.
        expect(Math.abs(outlier.published - mean) / deviation).toBeGreaterThan(3.72);
      }
    }
    expect([...cityTruth(options, 3000)]).toEqual(labelled);
    const lines = cityTruthFile(options, 3000).trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(labelled);
  });

  it('gives the same series for the same seed', () => {
    expect(cleanSeries(3, 500)).toEqual(cleanSeries(3, 500));
    expect(cleanSeries(3, 500)).not.toEqual(cleanSeries(4, 500));
  });
});

describe('the conditional entropy of the city station', () => {
  it('is the formula for a normal innovation, and one bit less for one folded about zero', () => {
    const bits = new Map(conditionalEntropyBits().map(({ metric, bits: each }) => [metric, each]));
    const normal = (deviation: number, resolution: number): number =>
      Math.log2((deviation * Math.sqrt(2 * Math.PI * Math.E)) / resolution);
    expect(bits.get('temperature')).toBeCloseTo(normal(2, 0.01), 9);
    expect(bits.get('illuminance')).toBeCloseTo(normal(50, 0.1), 9);
    expect(bits.get('rainfall')).toBeCloseTo(normal(3, 0.01) - 1, 3);
    expect(bits.get('wind_speed')).toBeGreaterThan(normal(20, 0.01) - 1);
    expect(bits.get('wind_speed')).toBeLessThan(normal(20, 0.01) - 0.9);
  });

  it('is what a histogram of the series shows, within the wandering of its level', () => {
    const series = cleanSeries(7, RECORDS);
    for (const { metric, bits } of conditionalEntropyBits()) {
      const { deviation } = CITY_METRICS.find(({ name }) => name === metric) as CityMetric;
      const bin = deviation / 8;
      const counts = new Map<number, number>();
      for (const value of series.get(metric) as Float64Array) {
        const index = Math.floor(value / bin);
        counts.set(index, (counts.get(index) ?? 0) + 1);
      }
      let entropy = Math.log2(bin / (metricNamed(metric)?.resolution as number));
      for (const count of counts.values()) entropy -= (count / RECORDS) * Math.log2(count / RECORDS);
      expect(Math.abs(entropy - bits), metric).toBeLessThan(0.1);
    }
  });
});
