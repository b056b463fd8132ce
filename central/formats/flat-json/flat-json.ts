import type { JsonValue } from '../../../protocol/record.ts';
import { entriesOf, fieldOf, jsonOf, objectOf, sourceIdOf, textOf } from '../foreign-json.ts';
import { anyTimeOf } from '../foreign-time.ts';
import type { ForeignMessage, Format, Parsed, RefusedPart } from '../format.ts';
import { MeasureGroup } from '../measure-group.ts';
import { type MetricTable, metricTable } from '../metric-names.ts';
import { parsedOf } from '../refuse.ts';
import type { TimeZone } from '../time-zone.ts';
import { pythonReprOf } from './python-repr.ts';

export interface FlatJsonOptions {
  /** Also what Python's `str` makes of a dictionary. Strict JSON when left out. */
  readonly lenient?: 'python-repr';
  /** In which times without offset are read; such times are refused when left out. */
  readonly zone?: TimeZone | undefined;
  /** Names of fields → metrics, beyond and before the nine. */
  readonly metrics?: Readonly<Record<string, string>>;
}

const OWN_KEYS = new Set(['station_id', 'sensor_id', 'timestamp']);
const METRICS = {
  temperature: 'temperature',
  humidity: 'humidity',
  pressure: 'pressure',
  air_quality: 'air_quality',
  particulate_matter: 'particulate_matter',
  noise_level: 'noise_level',
  illuminance: 'illuminance',
  wind_speed: 'wind_speed',
  rainfall: 'rainfall',
} as const;

/**
 * One object for one reading: `station_id`, or `sensor_id` where there is none; the nine metrics of a city station in the
 * registry's units; `timestamp` in any shape of `anyTimeOf`, mostly absent. Every other field is a value `x_…`.
 */
export class FlatJsonFormat implements Format {
  readonly name = 'flat-json';
  readonly #lenient: FlatJsonOptions['lenient'];
  readonly #zone: TimeZone | undefined;
  readonly #table: MetricTable;

  constructor({ lenient, zone, metrics = {} }: FlatJsonOptions = {}) {
    this.#lenient = lenient;
    this.#zone = zone;
    this.#table = metricTable({ ...METRICS, ...metrics });
  }

  parse({ bytes }: ForeignMessage): Parsed {
    const object = objectOf(this.#valueOf(bytes), '');
    const [station, sensor] = [fieldOf(object, 'station_id') ?? undefined, fieldOf(object, 'sensor_id') ?? undefined];
    const sourceId = sourceIdOf(
      station ?? sensor,
      station === undefined && sensor !== undefined ? 'sensor_id' : 'station_id',
    );
    const time = anyTimeOf(fieldOf(object, 'timestamp'), 'timestamp', this.#zone);
    const refused: RefusedPart[] = [];
    const group = new MeasureGroup(this.#table, refused);
    for (const [name, value] of entriesOf(object)) {
      if (!OWN_KEYS.has(name)) group.add({ name, value, at: name });
    }
    const info = {
      ...(station === undefined || sensor === undefined ? {} : { sensor_id: sourceIdOf(sensor, 'sensor_id') }),
      ...time?.info,
    };
    const reading = group.reading({ sourceId, timestampMs: time?.timestampMs, info });
    return parsedOf(group.isEmpty ? [] : [reading], refused);
  }

  #valueOf(bytes: Uint8Array): JsonValue {
    return this.#lenient === 'python-repr' ? pythonReprOf(textOf(bytes)) : jsonOf(bytes);
  }
}
