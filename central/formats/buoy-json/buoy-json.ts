import type { JsonValue, Location } from '../../../protocol/record.ts';
import { fieldOf, isObject, type JsonObject, jsonOf, objectOf, sourceIdOf } from '../foreign-json.ts';
import { anyTimeOf } from '../foreign-time.ts';
import type { Format, Parsed, RefusedPart } from '../format.ts';
import { MeasureGroup } from '../measure-group.ts';
import { metricTable } from '../metric-names.ts';
import { refuse, refusedPart } from '../refuse.ts';
import type { TimeZone } from '../time-zone.ts';

export interface BuoyJsonOptions {
  /** That the buoys' clocks are set to, as they say none; undefined: only times with an offset are taken. */
  readonly zone: TimeZone | undefined;
}

const TABLE = metricTable({
  temperature: 'temperature',
  humidity: 'humidity',
  pressure: 'pressure',
});
const OWN_KEYS: ReadonlySet<string> = new Set(['timestamp', 'sensor_id', 'location']);

/**
 * One flat object with `timestamp` (`YYYY-MM-DD HH:MM:SS[.ffffff]`, a wall clock's), `sensor_id`, `location` `{lon, lat}`
 * and values: °C, %, hPa, and others by their names. A value or place that cannot be used costs no other; a time that
 * cannot be read costs the message.
 */
export function buoyJson({ zone }: BuoyJsonOptions): Format {
  return {
    name: 'buoy-json',
    parse({ bytes }) {
      const message = objectOf(jsonOf(bytes), '');
      const sourceId = sourceIdOf(fieldOf(message, 'sensor_id'), 'sensor_id');
      const time = anyTimeOf(fieldOf(message, 'timestamp'), 'timestamp', zone);
      const refused: RefusedPart[] = [];
      const group = valuesOf(message, refused);
      const location = locationOf(fieldOf(message, 'location'), refused);
      if (group.isEmpty) refuse('', 'says no value');
      const reading = group.reading({
        sourceId,
        timestampMs: time?.timestampMs,
        ...(location === undefined ? {} : { location }),
        ...(time === undefined ? {} : { info: time.info }),
      });
      return { readings: [reading], refused } satisfies Parsed;
    },
  };
}

function valuesOf(message: JsonObject, refused: RefusedPart[]): MeasureGroup {
  const group = new MeasureGroup(TABLE, refused);
  for (const [name, value] of Object.entries(message)) {
    if (!OWN_KEYS.has(name)) group.add({ name, value, at: name });
  }
  return group;
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
