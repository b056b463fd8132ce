import { decimalOf } from '../decimal.ts';
import { textOf } from '../foreign-json.ts';
import { anyTimeOf } from '../foreign-time.ts';
import type { ForeignMessage, Format, Parsed, Reading, RefusedPart } from '../format.ts';
import { type MetricRule, type MetricTable, measureOf, metricTable } from '../metric-names.ts';
import { parsedOf, refuse, refusedPart } from '../refuse.ts';
import type { TimeZone } from '../time-zone.ts';

export interface LinesOptions {
  /** In which times are read; lines with such times are refused when left out. */
  readonly zone?: TimeZone | undefined;
  /** Names of sensors → metrics, before what the topic says: `TH1`, or with a star at the end, `TH*`. The longest counts. */
  readonly metrics?: Readonly<Record<string, string>>;
}

const LINES_MAX = 10_000;
/** `AggDay[TH1]`: the mean, sum, difference or rest of a day. */
const AGGREGATE_PATTERN = /^([A-Za-z]\w*)\[.+\]$/;
/** Where neither the configuration nor the topic knows better. */
const UNKNOWN: MetricRule = { to: ['x_value'] };

/** By the last part of the topic. Of a day's energy and water the unit is known, and no metric of the registry. */
const BY_TOPIC: MetricTable = metricTable({
  temperature: 'temperature',
  energy: { to: ['x_energy'], unit: 'Wh' },
  water: { to: ['x_water'], unit: 'l' },
  motion: 'x_motion',
});

/**
 * `sensor | YYYY-MM-DD HH:MM | value` and `sensor|epoch|value`, a line each, as many as a message has; empty ones are
 * nothing. The sensor is the station. Which metric it is the configuration says, else the topic's last part; of an
 * aggregate its function does, `x_aggday`. A value that is no decimal number is refused, never 0.
 */
export class LinesFormat implements Format {
  readonly name = 'lines';
  readonly #zone: TimeZone | undefined;
  readonly #exact: ReadonlyMap<string, string>;
  /** Longest first. */
  readonly #prefixes: readonly (readonly [prefix: string, metric: string])[];

  constructor({ zone, metrics = {} }: LinesOptions = {}) {
    const entries = Object.entries(metrics);
    this.#zone = zone;
    this.#exact = new Map(entries.filter(([pattern]) => !pattern.endsWith('*')));
    this.#prefixes = entries
      .filter(([pattern]) => pattern.endsWith('*'))
      .map(([pattern, metric]) => [pattern.slice(0, -1), metric] as const)
      .sort(([a], [b]) => b.length - a.length);
  }

  parse({ bytes, topic }: ForeignMessage): Parsed {
    const lines = textOf(bytes).split(/\r?\n/);
    if (lines.length > LINES_MAX) return refuse('', `has more than ${LINES_MAX} lines`);
    const readings: Reading[] = [];
    const refused: RefusedPart[] = [];
    for (const [index, line] of lines.entries()) {
      if (line.trim() === '') continue;
      try {
        readings.push(this.#readingOf(line, `line ${index + 1}`, topic));
      } catch (error) {
        refused.push(refusedPart(line, error));
      }
    }
    return parsedOf(readings, refused);
  }

  #readingOf(line: string, at: string, topic: string | undefined): Reading {
    const fields = line.split('|').map((field) => field.trim());
    const [sensor = '', time = '', value = ''] = fields;
    if (fields.length !== 3) return refuse(at, `has ${fields.length} fields, and not sensor | time | value`);
    if (sensor === '') return refuse(at, 'names no sensor');
    if (time === '') return refuse(at, 'says no time');
    const number = decimalOf(value) ?? refuse(at, 'has a value that is no number');
    const said = anyTimeOf(time, at, this.#zone);
    const rule = this.#ruleOf(sensor, topic);
    const { metric, value: taken, unit } = measureOf({ metric: rule.to[0], unit: rule.unit, rule }, number, at);
    const info = { ...said?.info, ...(unit === undefined ? {} : { unit: { [metric]: unit } }) };
    return {
      sourceId: sensor.toWellFormed(),
      timestampMs: said?.timestampMs,
      metrics: { [metric]: taken ?? refuse(at, 'has no value') },
      ...(Object.keys(info).length > 0 ? { info } : {}),
    };
  }

  #ruleOf(sensor: string, topic: string | undefined): MetricRule {
    const configured = this.#exact.get(sensor) ?? this.#prefixes.find(([prefix]) => sensor.startsWith(prefix))?.[1];
    if (configured !== undefined) return { to: [configured] };
    const [, aggregate] = AGGREGATE_PATTERN.exec(sensor) ?? [];
    if (aggregate !== undefined) return { to: [`x_${aggregate.toLowerCase().slice(0, 46)}`] };
    return BY_TOPIC.get(topic?.split('/').at(-1)?.toLowerCase() ?? '') ?? UNKNOWN;
  }
}
