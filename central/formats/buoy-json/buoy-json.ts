import type { JsonValue, Location } from '../../../protocol/record.ts';
import { entriesOf, fieldOf, isObject, type JsonObject, jsonOf, objectOf, sourceIdOf } from '../foreign-json.ts';
import { anyTimeOf } from '../foreign-time.ts';
import type { ForeignMessage, Format, Parsed, RefusedPart } from '../format.ts';
import { MeasureGroup } from '../measure-group.ts';
import { type MetricTable, metricTable } from '../metric-names.ts';
import { parsedOf, refuse, refusedPart } from '../refuse.ts';
import type { TimeZone } from '../time-zone.ts';

export interface BuoyJsonOptions {
  /** That the buoys' clocks are set to, as they say none; times without offset are refused when left out. */
  readonly zone?: TimeZone | undefined;
  /** Names of fields → metrics, beyond and before the format's own. */
  readonly metrics?: Readonly<Record<string, string>>;
}

const METRICS = { temperature: 'temperature', humidity: 'humidity', pressure: 'pressure' } as const;
const OWN_KEYS: ReadonlySet<string> = new Set(['timestamp', 'sensor_id', 'location']);

/**
 * One flat object with `timestamp` (`YYYY-MM-DD HH:MM:SS[.ffffff]`, a wall clock's), `sensor_id`, `location` `{lon, lat}`
 * and values: °C, %, hPa, and others by their names. A value or place that cannot be used costs no other; a time that
 * cannot be read costs the message.
 */
export class BuoyJsonFormat implements Format {
  readonly name = 'buoy-json';
  readonly #zone: TimeZone | undefined;
  readonly #table: MetricTable;

  constructor({ zone, metrics = {} }: BuoyJsonOptions = {}) {
    this.#zone = zone;
    this.#table = metricTable({ ...METRICS, ...metrics });
  }

  parse({ bytes }: ForeignMessage): Parsed {
    const message = objectOf(jsonOf(bytes), '');
    const sourceId = sourceIdOf(fieldOf(message, 'sensor_id'), 'sensor_id');
    const time = anyTimeOf(fieldOf(message, 'timestamp'), 'timestamp', this.#zone);
    const refused: RefusedPart[] = [];
    const group = new MeasureGroup(this.#table, refused);
    for (const [name, value] of entriesOf(message)) {
      if (!OWN_KEYS.has(name)) group.add({ name, value, at: name });
    }
    const location = locationOf(fieldOf(message, 'location'), refused);
    const reading = group.reading({
      sourceId,
      timestampMs: time?.timestampMs,
      ...(location === undefined ? {} : { location }),
      ...(time === undefined ? {} : { info: time.info }),
    });
    return parsedOf(group.isEmpty ? [] : [reading], refused);
  }
}

function locationOf(value: JsonValue | undefined, refused: RefusedPart[]): Location | undefined {
  if (value === undefined || value === null) return undefined;
  try {
    if (!isObject(value)) return refuse('location', 'is no object with lon and lat');
    return { lat: degreesOf(value, 'lat', 90), lon: degreesOf(value, 'lon', 180) };
  } catch (error) {
    refused.push(refusedPart(`"location": ${JSON.stringify(value)}`, error));
    return undefined;
  }
}

function degreesOf(location: JsonObject, key: string, bound: number): number {
  const value = fieldOf(location, key);
  if (typeof value === 'number' && Math.abs(value) <= bound) return value + 0;
  return refuse(`location.${key}`, `is no number from -${bound} to ${bound}`);
}
