import type { JsonValue } from '../../../protocol/record.ts';
import { envelopeInfo } from '../envelope-info.ts';
import { fieldOf, type JsonObject, jsonOf, objectOf, sourceIdOf } from '../foreign-json.ts';
import { epochTimeOf, type ForeignTime, textTimeOf } from '../foreign-time.ts';
import type { ForeignMessage, Format, Parsed, Reading, RefusedPart } from '../format.ts';
import { MeasureGroup } from '../measure-group.ts';
import { type ForeignMeasure, type MetricTable, metricOf, metricTable } from '../metric-names.ts';
import { parsedOf, refuse, refusedPart } from '../refuse.ts';

export interface SenmlOptions {
  /** One reading for each time that its measures name; otherwise one for the message. */
  readonly split?: boolean;
  /** Names of measures → metrics, beyond and before the format's own. */
  readonly metrics?: Readonly<Record<string, string>>;
}

const MEASURES_MAX = 1024;
const ENVELOPE_KEYS = new Set(['t', 'tz', 'ref', 'm']);
/** What a measure may say that nobody has written down. */
const EXTRA_KEYS = ['x', 'p', 'l'] as const;

const METRICS = {
  temperature: 'temperature',
  environmental_temperature: 'temperature',
  humidity: 'humidity',
  relative_humidity: 'humidity',
  pressure: 'pressure',
  dew_point: 'dew_point',
  illuminance: 'illuminance',
  co2: 'co2',
  tvoc: 'tvoc',
  presence: 'presence',
  // Under one name some send a charge and some a voltage; the unit tells.
  battery_level: { to: ['battery_level', 'battery_voltage'] },
  rssi: { to: ['rssi'], units: { dB: 'dBm' } },
} as const;

/**
 * An envelope with measures, `{t, tz, uuid, cuid, ref, type, cat, sn, m: [{t, tz, k, v, u, d}]}`, after SenML (RFC 8428)
 * but for its names. `ref` is the device. `t`, milliseconds since 1970, wins over `tz`, as some write a `Z` behind local
 * time; where the two differ, `tz` stands in `info.source_time`. A measure that is named twice makes a further reading.
 */
export class SenmlFormat implements Format {
  readonly name = 'senml';
  readonly #split: boolean;
  readonly #table: MetricTable;

  constructor({ split = false, metrics = {} }: SenmlOptions = {}) {
    this.#split = split;
    this.#table = metricTable({ ...METRICS, ...metrics });
  }

  parse({ bytes }: ForeignMessage): Parsed {
    const envelope = objectOf(jsonOf(bytes), '');
    const sourceId = sourceIdOf(fieldOf(envelope, 'ref'), 'ref');
    const time = timeOf(envelope, '');
    const measures = measuresOf(envelope);
    const refused: RefusedPart[] = [];
    const groups = new TimeGroups(this.#table, refused);
    for (const [index, measure] of measures.entries()) {
      try {
        const said = measureOf(measure, `m[${index}]`);
        groups.add(said, this.#split ? (said.time ?? time) : undefined);
      } catch (error) {
        refused.push(refusedPart(JSON.stringify(measure), error));
      }
    }
    const base = { sourceId, info: envelopeInfo(envelope, ENVELOPE_KEYS) };
    const ofMessage = this.#split ? undefined : (time ?? groups.firstTime);
    return parsedOf(groups.readings(base, ofMessage), refused);
  }
}

interface SaidMeasure extends ForeignMeasure {
  readonly time: ForeignTime | undefined;
  readonly peer: JsonValue | undefined;
  readonly extra: Readonly<Record<string, JsonValue>>;
}

interface TimeGroup {
  readonly time: ForeignTime | undefined;
  readonly group: MeasureGroup;
  readonly peers: Record<string, JsonValue>;
  readonly times: Record<string, number>;
  readonly extra: Record<string, JsonValue>;
}

/** Measures by their time, and of one time by how often a metric has come. */
class TimeGroups {
  readonly #table: MetricTable;
  readonly #refused: RefusedPart[];
  readonly #groups: TimeGroup[] = [];
  firstTime: ForeignTime | undefined;

  constructor(table: MetricTable, refused: RefusedPart[]) {
    this.#table = table;
    this.#refused = refused;
  }

  /** Throws `RECORD_INVALID` where its name is none; a value that is none is among the refused. */
  add(measure: SaidMeasure, time: ForeignTime | undefined): void {
    const { metric } = metricOf(this.#table, measure);
    const timeGroup = this.#groupFor(metric, time);
    if (!timeGroup.group.add(measure)) return;
    this.firstTime ??= measure.time;
    if (measure.time !== undefined) timeGroup.times[metric] = measure.time.timestampMs;
    if (measure.peer !== undefined) timeGroup.peers[metric] = measure.peer;
    if (Object.keys(measure.extra).length > 0) timeGroup.extra[metric] = measure.extra;
  }

  /** @param ofMessage the one time that counts for all, where they are not split */
  readings(base: Pick<Reading, 'sourceId' | 'info'>, ofMessage: ForeignTime | undefined): Reading[] {
    return this.#groups
      .filter(({ group }) => !group.isEmpty)
      .map(({ time = ofMessage, group, peers, times, extra }) => {
        const others = Object.entries(times).filter(([, timestampMs]) => timestampMs !== time?.timestampMs);
        const parts = { peers, times: Object.fromEntries(others), extra };
        const told = Object.entries(parts).filter(([, part]) => Object.keys(part).length > 0);
        const info = { ...base.info, ...time?.info, ...Object.fromEntries(told) };
        return group.reading({ sourceId: base.sourceId, timestampMs: time?.timestampMs, info });
      });
  }

  #groupFor(metric: string, time: ForeignTime | undefined): TimeGroup {
    const found = this.#groups.find(
      (other) => other.time?.timestampMs === time?.timestampMs && !other.group.has(metric),
    );
    if (found !== undefined) return found;
    const group = new MeasureGroup(this.#table, this.#refused);
    const made = { time, group, peers: {}, times: {}, extra: {} };
    this.#groups.push(made);
    return made;
  }
}

function measuresOf(envelope: JsonObject): readonly JsonValue[] {
  const measures = fieldOf(envelope, 'm');
  if (!Array.isArray(measures)) return refuse('m', 'is no list of measures');
  if (measures.length === 0) return refuse('m', 'has no measure');
  if (measures.length > MEASURES_MAX) return refuse('m', `has more than ${MEASURES_MAX} measures`);
  return measures;
}

function measureOf(value: JsonValue, at: string): SaidMeasure {
  const measure = objectOf(value, at);
  const name = fieldOf(measure, 'k');
  if (typeof name !== 'string') return refuse(`${at}.k`, 'is no name of a measure');
  if (fieldOf(measure, 'v') === undefined) return refuse(`${at}.v`, 'is missing');
  const peer = fieldOf(measure, 'd');
  const extra = EXTRA_KEYS.map((key) => [key, fieldOf(measure, key)] as const).filter(([, x]) => Number.isFinite(x));
  return {
    name,
    value: fieldOf(measure, 'v'),
    unit: fieldOf(measure, 'u'),
    at: `${at}.v`,
    time: timeOf(measure, at),
    peer: typeof peer === 'string' && peer !== '' ? peer : undefined,
    extra: Object.fromEntries(extra) as Record<string, JsonValue>,
  };
}

function timeOf(object: JsonObject, at: string): ForeignTime | undefined {
  const [t, tz] = [fieldOf(object, 't') ?? undefined, fieldOf(object, 'tz') ?? undefined];
  const place = (key: string): string => (at === '' ? key : `${at}.${key}`);
  if (tz !== undefined && typeof tz !== 'string') return refuse(place('tz'), 'is no time: no text');
  if (t === undefined) return tz === undefined ? undefined : textTimeOf(tz, place('tz'), undefined);
  if (typeof t !== 'number') return refuse(place('t'), 'is no time: no number');
  const time = epochTimeOf(t, place('t'), 'ms');
  return tz === undefined || Date.parse(tz) === time.timestampMs ? time : { ...time, info: { source_time: tz } };
}
