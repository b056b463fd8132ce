import { SeededRandom } from '../../../runtime/random.ts';
import { City } from '../../station/city.ts';
import { type DeviceMessage, type DeviceTalker, together } from './device.ts';

export interface FlatJsonTalkerOptions {
  readonly seed: number;
  readonly startMs: number;
  /** 1 when left out. */
  readonly stations?: number;
  /** 1,000 ms when left out. */
  readonly periodMs?: number;
  /** JSON; a dictionary as Python's `str` writes it; the same with NumPy's scalars of version 2. JSON when left out. */
  readonly shape?: 'json' | 'python' | 'numpy';
  /** Whether each message says its time, in seconds since 1970. False when left out, as the stations that there are. */
  readonly timestamps?: boolean;
  /** `iot-sensor-stream` when left out. */
  readonly topic?: string;
}

/** City stations with nine metrics (`sim/station/city.ts`, which returns to its means), `station_` and nine digits of hex. */
export function flatJsonTalker(options: FlatJsonTalkerOptions): DeviceTalker {
  const { seed, stations = 1 } = options;
  const random = new SeededRandom(seed);
  return together(
    Array.from({ length: stations }, () => {
      const name = `station_${Buffer.from(random.bytes(5)).toString('hex').slice(0, 9)}`;
      return station(name, new City({ seed: random.integer(2 ** 31) }), random.uniform(), options);
    }),
  );
}

function* station(sourceId: string, city: City, phase: number, options: FlatJsonTalkerOptions): DeviceTalker {
  const { startMs, periodMs = 1000, shape = 'json', timestamps = false, topic = 'iot-sensor-stream' } = options;
  for (let count = 0; ; count += 1) {
    const atMs = startMs + Math.floor((count + phase) * periodMs);
    const metrics = city.next().values;
    const said = { station_id: sourceId, ...(timestamps ? { timestamp: atMs / 1000 } : {}), ...metrics };
    const text = shape === 'json' ? JSON.stringify(said) : dictionary(said, shape === 'numpy');
    const message: DeviceMessage = {
      atMs,
      topic,
      bytes: Buffer.from(text),
      truth: [{ sourceId, timestampMs: timestamps ? atMs : undefined, metrics }],
    };
    yield message;
  }
}

function dictionary(said: Readonly<Record<string, string | number>>, isNumpy: boolean): string {
  const entries = Object.entries(said).map(([key, value]) => {
    const written = typeof value === 'string' ? `'${value}'` : pythonFloat(value);
    return `'${key}': ${isNumpy && typeof value === 'number' ? `np.float64(${written})` : written}`;
  });
  return `{${entries.join(', ')}}`;
}

/** Python writes the shortest text as well, but turns to exponents below 1e-4 and from 1e16 on, of two digits at least. */
function pythonFloat(value: number): string {
  const size = Math.abs(value);
  if (value !== 0 && (size < 1e-4 || size >= 1e16)) {
    return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
  }
  return Number.isInteger(value) ? `${value}.0` : String(value);
}
