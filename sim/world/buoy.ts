import { SeededRandom } from '../../runtime/random.ts';
import { airQuality } from './air.ts';
import { compass, type Place, Sky, season, vapourPressure } from './sky.ts';
import { Wave } from './wave.ts';
import type { World } from './world.ts';

const RADIANS = Math.PI / 180;
const METRES_PER_DEGREE = 111_195;

/** The anchor, off the coast of Banyuls. */
export const BUOY_PLACE: Place = { lat: 42.480778, lon: 3.176833 };
/** Metres about the anchor that the chain allows. */
const WATCH_CIRCLE_METRES = 60;
const WEATHER_HOURS = [171, 93, 41, 11.3] as const;

/**
 * A moored buoy's surroundings: sea, wind and sun, the pull of wind and inertial currents on its chain, a lead battery under
 * a solar panel.
 */
export function buoyWorld(seed: number, place: Place = BUOY_PLACE): World {
  const random = new SeededRandom(seed);
  const waves = (hours: readonly number[]): Wave => new Wave(hours, random);
  const sky = new Sky(place);
  const inertialHours = 12 / Math.sin(Math.abs(place.lat) * RADIANS);
  const [front, moisture, veer] = [waves(WEATHER_HOURS), waves([131, 37]), waves([67, 23, 3.7])];
  const [gust, cloud, current, swing] = [
    waves([0.31, 0.12]),
    waves([29, 5.1, 0.7]),
    waves([inertialHours, 12.4206]),
    waves([0.9, 0.27]),
  ];

  const stormy = (t: number): number => (1 + front.at(t)) / 2;
  const sun = (t: number): number => sky.sunHeight(t) * (0.75 + 0.25 * cloud.at(t));
  const temperature = (t: number): number =>
    16.5 + 6.5 * season(t, 205) + 2.2 * sky.daily(t, 15) + 0.8 * sun(t) - 1.8 * front.at(t);
  const dewPoint = (t: number): number => 9 + 5 * season(t, 210) + 2.5 * moisture.at(t);
  const windDirection = (t: number): number => compass(130 + 185 * stormy(t) + 45 * veer.at(t));
  const waveHeight = (t: number): number => 0.35 + 2.1 * stormy(t) ** 2;
  const voltage = (t: number): number => 12.45 + 0.2 * sky.daily(t, 17) + 1.1 * (1 - Math.exp(-4 * sun(t)));
  const wind = (t: number): number =>
    (3.4 + 9 * stormy(t) ** 1.5 + 1.2 * (1 + sky.daily(t, 15))) * (1 + 0.1 * gust.at(t));
  const tvoc = (t: number): number => 12 + 6 * (1 + moisture.at(t));
  const spray = (t: number): number => 3 + 6 * stormy(t);
  const pull = (t: number): number => 0.45 * stormy(t);
  const north = (t: number): number =>
    WATCH_CIRCLE_METRES * (pull(t) * Math.cos((windDirection(t) + 180) * RADIANS) + 0.3 * current.at(t));
  const east = (t: number): number =>
    WATCH_CIRCLE_METRES * (pull(t) * Math.sin((windDirection(t) + 180) * RADIANS) + 0.3 * swing.at(t));
  return {
    temperature,
    humidity: (t) => Math.min(98, (100 * vapourPressure(dewPoint(t))) / vapourPressure(temperature(t))),
    dew_point: dewPoint,
    pressure: (t) => 1013 - 11 * front.at(t) + sky.pressureTide(t),
    wind_speed: wind,
    wind_direction: windDirection,
    apparent_wind_speed: wind,
    apparent_wind_angle: (t) => compass(-20 * veer.at(t)),
    water_temperature: (t) => 17 + 5 * season(t, 230) + 0.25 * sky.daily(t, 16),
    tvoc,
    air_quality: (t) => airQuality(tvoc(t)),
    eco2: (t) => 400 + 1.4 * tvoc(t),
    co2: (t) => 418 + 4 * moisture.at(t),
    particulate_matter: spray,
    pm1: (t) => 0.5 * spray(t),
    pm10: (t) => 2.5 * spray(t),
    noise_level: (t) => 48 + 18 * stormy(t) + gust.at(t),
    wave_height: waveHeight,
    wave_period: (t) => 4.1 * Math.sqrt(waveHeight(t)) + 1.2,
    depth: () => 38,
    heading: (t) => compass(windDirection(t) + 20 * veer.at(t)),
    heading_magnetic: (t) => compass(windDirection(t) + 20 * veer.at(t) - 1.5),
    illuminance: (t) => 5 + 45_000 * sun(t),
    shortwave_radiation: (t) => 980 * sun(t),
    rain_rate: (t) => 20 * Math.max(0, front.at(t)) ** 2,
    battery_voltage: voltage,
    battery_current: (t) => 0.12 - 1.1 * sun(t),
    battery_level: (t) => Math.max(0, Math.min(100, 55 + 60 * (voltage(t) - 12.45))),
    gnss_fix: () => 1,
    satellites: (t) => Math.round(9 + 2 * cloud.at(t)),
    hdop: (t) => 0.9 + 0.2 * (1 + veer.at(t)),
    lat: (t) => place.lat + north(t) / METRES_PER_DEGREE,
    lon: (t) => place.lon + east(t) / (METRES_PER_DEGREE * Math.cos(place.lat * RADIANS)),
    speed_over_ground: () => 0,
    course_over_ground: () => 0,
    speed_through_water: () => 0,
  };
}
