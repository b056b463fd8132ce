import type { Path } from '../../runtime/config/document.ts';
import type { ConfigReader } from '../../runtime/config/reader.ts';
import { didYouMean } from '../../runtime/config/suggest.ts';
import type { StationRules } from './quality.ts';
import type { SensorRead } from './sensors.ts';

/** A station and what is measured there. */
export interface KnownStation {
  readonly name: string;
  readonly metrics: ReadonlySet<string>;
  /** How often a metric is measured, where its sensor says so by itself. */
  readonly everyMs: ReadonlyMap<string, number>;
  /** What gives flags to its values. */
  readonly rules: StationRules;
  /** Whether each of its sensors could be read: if not, it may have more metrics. */
  readonly isWhole: boolean;
}

export function knownStations(
  reader: ConfigReader,
  sensors: readonly (readonly SensorRead[])[],
  quality: readonly StationRules[],
): KnownStation[] {
  return sensors.flatMap((ofStation, index) => {
    const name = reader.valueAt(['stations', index, 'name']);
    if (typeof name !== 'string') return [];
    const declared = reader.valueAt(['stations', index, 'sensors']);
    const isWhole = Array.isArray(declared) && declared.length === ofStation.length;
    const metrics = new Set(ofStation.flatMap((sensor) => sensor.metrics));
    const everyMs = new Map(ofStation.flatMap(cadencesOf));
    return [{ name, metrics, everyMs, rules: quality[index] ?? {}, isWhole }];
  });
}

function cadencesOf({ metrics, everyMs }: SensorRead): [metric: string, everyMs: number][] {
  return everyMs === undefined ? [] : metrics.map((metric) => [metric, everyMs]);
}

/** The stations that an alarm at `path` with these metrics holds for. Reports where there is none. */
export function stationsFor(
  reader: ConfigReader,
  path: Path,
  station: string | undefined,
  metrics: readonly string[],
  known: readonly KnownStation[],
): string[] {
  if (station !== undefined && !known.some(({ name }) => name === station)) {
    const names = known.map(({ name }) => name);
    const hint = didYouMean(station, names) || `There are: ${names.join(', ')}.`;
    reader.report([...path, 'station'], 'value', `there is no station \`${station}\``, hint);
    return [];
  }
  const meant = station === undefined ? known : known.filter(({ name }) => name === station);
  const having = meant.filter((each) => metrics.every((metric) => each.metrics.has(metric)));
  if (having.length === 0 && meant.every(({ isWhole }) => isWhole)) {
    reportAbsent(reader, path, station, metrics, meant);
  }
  return having.map(({ name }) => name);
}

function reportAbsent(
  reader: ConfigReader,
  path: Path,
  station: string | undefined,
  metrics: readonly string[],
  meant: readonly KnownStation[],
): void {
  const all = [...new Set(meant.flatMap(({ metrics: ofStation }) => [...ofStation]))];
  const absent = metrics.filter((metric) => !all.includes(metric));
  const where = station === undefined ? 'no station measures' : `\`${station}\` does not measure`;
  const [first] = absent;
  if (first === undefined) {
    reader.report(path, 'key', 'no station measures all of its metrics', 'An alarm is about one station.');
    return;
  }
  const hint = didYouMean(first, all) || `Measured there: ${all.join(', ')}.`;
  reader.report(placeOf(reader, path, first), 'value', `${where} \`${first}\``, hint);
}

/** Where an alarm names a metric. */
function placeOf(reader: ConfigReader, path: Path, metric: string): Path {
  if (reader.valueAt([...path, 'preset']) !== undefined) return [...path, 'preset'];
  for (const list of ['all', 'any']) {
    const conditions = reader.valueAt([...path, list]);
    if (!Array.isArray(conditions)) continue;
    const index = conditions.findIndex((each: { readonly metric?: unknown }) => each.metric === metric);
    return [...path, list, index, 'metric'];
  }
  return [...path, 'metric'];
}
