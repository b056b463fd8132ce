import type { Location } from '../../protocol/record.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { compass, Sky, season, vapourPressure } from '../world/sky.ts';
import { Wave } from '../world/wave.ts';

const HOUR_MS = 3_600_000;
const METRES_PER_DEGREE = 111_195;
const RADIANS = Math.PI / 180;

/** The anchor, off the coast of Banyuls. */
export const BUOY_ANCHOR = { lat: 42.480778, lon: 3.176833 } as const;
/** The buoy never leaves this circle about its anchor, in metres. */
export const WATCH_CIRCLE_METRES = 60;

/** Everything that the buoy measures at one moment. */
export interface BuoyState {
  readonly metrics: Readonly<Record<(typeof BUOY_METRICS)[number], number>>;
  readonly location: Location;
}

export const BUOY_METRICS = [
  'temperature',
  'humidity',
  'pressure',
  'wind_speed',
  'wind_direction',
  'water_temperature',
  'wave_height',
  'wave_period',
  'shortwave_radiation',
  'battery_voltage',
] as const;

/** Periods of the weather, in hours: passing lows, land breeze, squalls. Incommensurable, so that no day repeats. */
const WEATHER_HOURS = [171, 93, 41, 11.3] as const;
/** Periods of gusts, in hours: minutes and tens of seconds. */
const GUST_HOURS = [0.31, 0.083, 0.019] as const;
/** Half a pendulum day at the anchor's latitude, 12 h / sin φ: the period of inertial currents. */
const INERTIAL_HOURS = 12 / Math.sin(BUOY_ANCHOR.lat * RADIANS);
const SKY = new Sky(BUOY_ANCHOR);

/**
 * A moored buoy as a pure function of time: the same seed at the same moment gives the same state, in whatever order it
 * is asked. Slow weather drives wind, pressure and swell; the sun drives air, radiation and battery; wind and inertial
 * currents pull the buoy about its anchor. White noise stands for the instruments.
 */
export class Buoy {
  readonly #seed: number;
  readonly #front: Wave;
  readonly #gust: Wave;
  readonly #veer: Wave;
  readonly #cloud: Wave;
  readonly #moisture: Wave;
  readonly #current: Wave;

  constructor(seed: number) {
    const random = new SeededRandom(seed);
    this.#seed = seed;
    this.#front = new Wave(WEATHER_HOURS, random);
    this.#gust = new Wave(GUST_HOURS, random);
    this.#veer = new Wave([67, 23, 3.7], random);
    this.#cloud = new Wave([29, 5.1, 0.7], random);
    this.#moisture = new Wave([131, 37], random);
    this.#current = new Wave([INERTIAL_HOURS, 12.4206], random);
  }

  /** The state at a moment, in milliseconds since 1970 (UTC decides season and time of day). */
  at(timeMs: number): BuoyState {
    const noise = new SeededRandom(Math.imul(this.#seed, 0x9e3779b1) ^ (timeMs | 0) ^ Math.floor(timeMs / 2 ** 32));
    const front = this.#front.at(timeMs);
    const sun = SKY.sunHeight(timeMs) * (0.75 + 0.25 * this.#cloud.at(timeMs));
    const wind = this.#wind(timeMs, front, noise);
    const air = this.#air(timeMs, front, sun, noise);
    const waveHeight = positive(0.35 + 2.1 * ((1 + front) / 2) ** 2 + noise.normal(0, 0.02));
    return {
      metrics: {
        ...air,
        ...wind,
        pressure: 1015 - 11 * front + SKY.pressureTide(timeMs) + noise.normal(0, 0.03),
        water_temperature: 17 + 5 * season(timeMs, 230) + 0.25 * SKY.daily(timeMs, 16) + noise.normal(0, 0.01),
        wave_height: waveHeight,
        // A sea of constant steepness: the period grows with the root of the height.
        wave_period: 4.1 * Math.sqrt(waveHeight) + 1.2 + noise.normal(0, 0.05),
        shortwave_radiation: positive(980 * sun + (sun > 0 ? noise.normal(0, 3) : 0)),
        battery_voltage: batteryVoltage(timeMs, sun) + noise.normal(0, 0.004),
      },
      location: this.#location(timeMs, front, wind.wind_direction, noise),
    };
  }

  #air(timeMs: number, front: number, sun: number, noise: SeededRandom): { temperature: number; humidity: number } {
    const dewPoint = 10 + 5 * season(timeMs, 210) + 2.5 * this.#moisture.at(timeMs);
    const temperature =
      16.5 + 6.5 * season(timeMs, 205) + 2.2 * SKY.daily(timeMs, 15) + 0.8 * sun - 1.8 * front + noise.normal(0, 0.03);
    const humidity = (100 * vapourPressure(dewPoint)) / vapourPressure(temperature) + noise.normal(0, 0.2);
    return { temperature, humidity: Math.min(100, humidity) };
  }

  #wind(timeMs: number, front: number, noise: SeededRandom): { wind_speed: number; wind_direction: number } {
    const mean = 2.2 + 9 * ((1 + front) / 2) ** 1.5 + 1.2 * (1 + SKY.daily(timeMs, 15));
    const speed = mean * (1 + 0.18 * this.#gust.at(timeMs)) + noise.normal(0, 0.1);
    // The Tramontana, from north-west, with every front.
    const direction = 130 + 185 * ((1 + front) / 2) + 45 * this.#veer.at(timeMs) + noise.normal(0, 2);
    return { wind_speed: positive(speed), wind_direction: compass(direction) };
  }

  /** Downwind of the anchor, carried about by the current; the chain holds it within the watch circle. */
  #location(timeMs: number, front: number, windFrom: number, noise: SeededRandom): Location {
    const downwind = (windFrom + 180) * RADIANS;
    const pull = 0.45 * ((1 + front) / 2);
    const swing = 0.28 * this.#current.at(timeMs);
    const turn = 0.28 * this.#current.at(timeMs - (INERTIAL_HOURS * HOUR_MS) / 4);
    const north = WATCH_CIRCLE_METRES * (pull * Math.cos(downwind) + swing) + noise.normal(0, 0.6);
    const east = WATCH_CIRCLE_METRES * (pull * Math.sin(downwind) + turn) + noise.normal(0, 0.6);
    return {
      lat: round7(BUOY_ANCHOR.lat + north / METRES_PER_DEGREE),
      lon: round7(BUOY_ANCHOR.lon + east / (METRES_PER_DEGREE * Math.cos(BUOY_ANCHOR.lat * RADIANS))),
    };
  }
}

/** A 12 V lead battery under a small solar panel: emptiest at dawn, lifted by the charger while the sun shines. */
function batteryVoltage(timeMs: number, sun: number): number {
  return 12.45 + 0.2 * SKY.daily(timeMs, 17) + 1.1 * (1 - Math.exp(-4 * sun));
}

function positive(value: number): number {
  return Math.max(0, value);
}

function round7(degrees: number): number {
  return Math.round(degrees * 1e7) / 1e7;
}
