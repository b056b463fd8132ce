import { SeededRandom } from '../../../runtime/random.ts';
import { type DeviceMessage, type DeviceTalker, rounded, together } from './device.ts';
import { Walk } from './walk.ts';
import { WallClock } from './wall-clock.ts';

export interface BuoyJsonTalkerOptions {
  readonly seed: number;
  readonly startMs: number;
  /** `sensor_id` counts from 1; 2 when left out. */
  readonly buoys?: number;
  /** 1,000 ms when left out. */
  readonly periodMs?: number;
  /** That their clocks are set to, and never say; Europe/Paris when left out. */
  readonly zone?: string;
  /** Share of the messages at a whole second, whose time has no fraction; 0.001 when left out, of a real one a millionth. */
  readonly wholeSeconds?: number;
}

/** The sea off Banyuls. */
const PLACE = { lon: 3.176833, lat: 42.480778 };
const SWAY_DEGREES = 0.01;
const WHOLE_SECONDS = 0.001;

/**
 * Buoys that say one flat JSON object a datagram: °C, % and hPa with two digits after the point, where they are, and the
 * time of a wall clock without its zone, to the microsecond; a time at a whole second has no fraction.
 */
export function buoyJsonTalker(options: BuoyJsonTalkerOptions): DeviceTalker {
  const { seed, buoys = 2, zone = 'Europe/Paris' } = options;
  const random = new SeededRandom(seed);
  const wall = new WallClock(zone);
  return together(
    Array.from({ length: buoys }, (_, index) => {
      return buoy(index + 1, new SeededRandom(random.integer(2 ** 31)), wall, options);
    }),
  );
}

function* buoy(id: number, random: SeededRandom, wall: WallClock, options: BuoyJsonTalkerOptions): DeviceTalker {
  const { startMs, periodMs = 1000, wholeSeconds = WHOLE_SECONDS } = options;
  const phase = random.uniform();
  const [temperature, humidity, pressure] = [
    new Walk(random, 20, 30),
    new Walk(random, 40, 60),
    new Walk(random, 1000, 1010),
  ];
  const [lon, lat] = [PLACE.lon, PLACE.lat].map((at) => new Walk(random, at - SWAY_DEGREES, at + SWAY_DEGREES));
  for (let count = 0; ; count += 1) {
    const saidMs = startMs + Math.floor((count + phase) * periodMs);
    const isWhole = random.uniform() < wholeSeconds;
    const atMs = isWhole ? saidMs - (saidMs % 1000) : saidMs;
    const metrics = {
      temperature: rounded(temperature.next(), 2),
      humidity: rounded(humidity.next(), 2),
      pressure: rounded(pressure.next(), 2),
    };
    const location = { lon: rounded(lon?.next() ?? 0, 6), lat: rounded(lat?.next() ?? 0, 6) };
    const micros = (atMs % 1000) * 1000 + (isWhole ? 0 : random.integer(1000));
    const fraction = micros === 0 ? '' : `.${String(micros).padStart(6, '0')}`;
    const said = { timestamp: `${wall.secondsStampOf(atMs)}${fraction}`, ...metrics, sensor_id: id, location };
    const message: DeviceMessage = {
      // In the order of time, also where one was put back to its second.
      atMs: saidMs,
      topic: 'meteo',
      bytes: Buffer.from(pythonJson(said)),
      truth: [{ sourceId: String(id), timestampMs: atMs, metrics }],
    };
    yield message;
  }
}

/** As Python's `json` writes it: a blank after each comma and colon. */
function pythonJson(value: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(value, null, 1).replace(/\n\s*/g, ' ').replaceAll('{ ', '{').replaceAll(' }', '}');
}
