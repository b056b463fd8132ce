import type { z } from 'zod';
import type { Path } from '../../runtime/config/document.ts';
import type { ConfigReader } from '../../runtime/config/reader.ts';
import { didYouMean } from '../../runtime/config/suggest.ts';
import { duration } from '../../runtime/config/values.ts';
import { CITY_RULES } from '../quality/city.ts';
import type { MetricRules } from '../quality/rules.ts';
import { definitionOf, inWords } from './checks.ts';
import { checkCadence, checkRules, rulesOf } from './quality-rules.ts';
import { ANY_STATION, type MetricRulesKeys, metricRulesSchema, type qualitySchema } from './quality-schema.ts';
import type { SensorRead } from './sensors.ts';
import type { MetricExtension } from './types.ts';

export type StationRules = Readonly<Record<string, MetricRules>>;

/** A station, with how often each of its metrics is measured. */
interface MeasuredStation {
  readonly name: string;
  readonly everyMs: ReadonlyMap<string, number>;
  /** Whether each of its sensors could be read: if not, it may have more metrics. */
  readonly isWhole: boolean;
}

type PresetName = NonNullable<z.output<typeof qualitySchema>[string]['preset']>;

const PRESETS: Readonly<Record<PresetName, StationRules>> = { city: CITY_RULES };

/**
 * The rules of each station, in the file's order: those of `*`, and over them the station's own, metric by metric and rule by
 * rule; in each of both what is written out stands over its preset. Reports what does not fit.
 */
export function readQuality(
  reader: ConfigReader,
  sensors: readonly (readonly SensorRead[])[],
  extensions: readonly MetricExtension[],
): StationRules[] {
  const stations = sensors.map((ofStation, index) => measuredStation(reader, ofStation, index));
  const quality = new QualityReader(reader, stations, extensions);
  quality.check();
  return stations.map((station) => quality.rulesFor(station));
}

const everySchema = duration().prefault('1s');

function measuredStation(reader: ConfigReader, sensors: readonly SensorRead[], index: number): MeasuredStation {
  const path = ['stations', index];
  const name = reader.valueAt([...path, 'name']);
  const declared = reader.valueAt([...path, 'sensors']);
  const every = everySchema.safeParse(reader.valueAt([...path, 'every']));
  const stationMs = every.success ? every.data : 0;
  return {
    name: typeof name === 'string' ? name : '',
    everyMs: new Map(sensors.flatMap(({ metrics, everyMs = stationMs }) => metrics.map((metric) => [metric, everyMs]))),
    isWhole: Array.isArray(declared) && declared.length === sensors.length,
  };
}

class QualityReader {
  readonly #reader: ConfigReader;
  readonly #stations: readonly MeasuredStation[];
  readonly #extensions: readonly MetricExtension[];

  constructor(reader: ConfigReader, stations: readonly MeasuredStation[], extensions: readonly MetricExtension[]) {
    this.#reader = reader;
    this.#stations = stations;
    this.#extensions = extensions;
  }

  check(): void {
    for (const key of Object.keys(this.#reader.mappingAt(['quality']) ?? {})) {
      const stations = this.#stations.filter(({ name }) => key === ANY_STATION || name === key);
      if (stations.length === 0) this.#reportStation(key);
      else for (const [metric, rules] of this.#written(key)) this.#checkMetric(key, metric, rules, stations);
    }
  }

  rulesFor(station: MeasuredStation): StationRules {
    const rules: Record<string, MetricRules> = {};
    const lay = (metric: string, over: MetricRules): void => {
      if (station.everyMs.has(metric)) rules[metric] = { ...rules[metric], ...over };
    };
    for (const key of [ANY_STATION, station.name]) {
      const preset = this.#reader.valueAt(['quality', key, 'preset']);
      const ofPreset = PRESETS[preset as PresetName] ?? {};
      for (const [metric, each] of Object.entries(ofPreset)) lay(metric, each);
      for (const [metric, keys] of this.#written(key)) lay(metric, rulesOf(keys, this.#resolutionOf(metric)));
    }
    return rules;
  }

  /** The rules that are written out for a station, or for all; what has the wrong form has been reported. */
  #written(key: string): [metric: string, keys: MetricRulesKeys][] {
    const metrics = Object.keys(this.#reader.mappingAt(['quality', key]) ?? {}).filter((each) => each !== 'preset');
    return metrics.map((metric) => {
      const rules = Object.entries(this.#reader.mappingAt(['quality', key, metric]) ?? {}).flatMap(([rule, value]) => {
        const parsed = metricRulesSchema.safeParse({ [rule]: value });
        return parsed.success ? [parsed.data] : [];
      });
      return [metric, Object.assign({}, ...rules) as MetricRulesKeys];
    });
  }

  #resolutionOf(metric: string): number {
    return definitionOf(metric, this.#extensions)?.resolution ?? 0;
  }

  #reportStation(key: string): void {
    const names = this.#stations.map(({ name }) => name);
    const hint = didYouMean(key, names) || `There are: ${names.join(', ')}; "${ANY_STATION}" is all of them.`;
    this.#reader.report(['quality', key], 'key', `there is no station \`${key}\``, hint);
  }

  #checkMetric(key: string, metric: string, rules: MetricRulesKeys, stations: readonly MeasuredStation[]): void {
    const path = ['quality', key, metric];
    const measuring = stations.filter(({ everyMs }) => everyMs.has(metric));
    if (measuring.length === 0) {
      if (stations.every(({ isWhole }) => isWhole)) this.#reportMetric(path, key, metric, stations);
      return;
    }
    const definition = definitionOf(metric, this.#extensions);
    if (definition !== undefined && definition.type !== 'number') {
      this.#reader.report(path, 'key', `\`${metric}\` is ${inWords(definition)}`, 'Rules are for numbers only.');
      return;
    }
    checkRules(this.#reader, path, rules);
    for (const { name, everyMs } of measuring) checkCadence(this.#reader, path, rules, name, everyMs.get(metric) ?? 0);
  }

  #reportMetric(path: Path, key: string, metric: string, stations: readonly MeasuredStation[]): void {
    const measured = [...new Set(stations.flatMap(({ everyMs }) => [...everyMs.keys()]))];
    const where = key === ANY_STATION ? 'no station measures' : `\`${key}\` does not measure`;
    const hint = didYouMean(metric, ['preset', ...measured]) || `Measured there: ${measured.join(', ')}.`;
    this.#reader.report(path, 'key', `${where} \`${metric}\``, hint);
  }
}
