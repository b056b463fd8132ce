import { SeededRandom } from '../../runtime/random.ts';
import { airQuality } from './air.ts';
import { compass, type Place, Sky, season, vapourPressure } from './sky.ts';
import { Wave } from './wave.ts';
import type { World } from './world.ts';

/** A street corner in Athens. */
export const CITY_PLACE: Place = { lat: 37.9715, lon: 23.7257 };

/** Periods in hours: passing weather; minutes of clouds, gusts and traffic. */
const WEATHER_HOURS = [171, 93, 41, 11.3] as const;
const MINUTES_HOURS = [0.71, 0.31, 0.13] as const;

/** Lux under a clear sky at noon, behind a sensor's diffuser, and from the lamps at night. */
const NOON_LX = 45_000;
const LAMPS_LX = 12;

/**
 * A city station's surroundings: seasons, days and weather; traffic that comes with the working day and brings noise,
 * particles and vapours; showers with the fronts.
 */
export function cityWorld(seed: number, place: Place = CITY_PLACE): World {
  const random = new SeededRandom(seed);
  const waves = (hours: readonly number[]): Wave => new Wave(hours, random);
  const sky = new Sky(place);
  const [front, moisture, veer] = [waves(WEATHER_HOURS), waves([131, 37]), waves([67, 23, 3.7])];
  const [cloud, gust, bustle, drift] = [
    waves(MINUTES_HOURS),
    waves([0.31, 0.1]),
    waves(MINUTES_HOURS),
    waves([5, 0.9]),
  ];
  const shower = waves([7.3, 1.9, 0.6]);

  const temperature = (t: number): number =>
    18 + 9 * season(t, 205) + 4 * sky.daily(t, 15) - 2 * front.at(t) + 0.3 * drift.at(t);
  const dewPoint = (t: number): number => 9 + 5 * season(t, 215) + 2.5 * moisture.at(t);
  const traffic = (t: number): number =>
    Math.max(0.05, 0.45 + 0.3 * sky.daily(t, 8.5) * sky.daily(t, 18) + 0.2 * sky.daily(t, 13) + 0.15 * bustle.at(t));
  const wind = (t: number): number =>
    1.8 + (5 * ((1 + front.at(t)) / 2) ** 1.5 + 1.2 * (1 + sky.daily(t, 15))) * (1 + 0.15 * gust.at(t));
  const fine = (t: number): number => 6 + (26 * traffic(t)) / Math.sqrt(wind(t) / 2);
  const tvoc = (t: number): number => 40 + 420 * traffic(t) ** 1.5;
  return {
    temperature,
    humidity: (t) => Math.min(98, (100 * vapourPressure(dewPoint(t))) / vapourPressure(temperature(t))),
    dew_point: dewPoint,
    pressure: (t) => 1006 - 9 * front.at(t) + sky.pressureTide(t),
    tvoc,
    air_quality: (t) => airQuality(tvoc(t)),
    eco2: (t) => 400 + 1.4 * tvoc(t),
    co2: (t) => 420 + 60 * traffic(t),
    particulate_matter: fine,
    pm1: (t) => 0.7 * fine(t),
    pm10: (t) => 1.55 * fine(t),
    noise_level: (t) => 44 + 24 * traffic(t) + 1.5 * bustle.at(t),
    illuminance: (t) => LAMPS_LX + NOON_LX * sky.sunHeight(t) * (0.75 + 0.25 * cloud.at(t)),
    shortwave_radiation: (t) => 980 * sky.sunHeight(t) * (0.75 + 0.25 * cloud.at(t)),
    wind_speed: wind,
    wind_direction: (t) => compass(200 + 70 * front.at(t) + 40 * veer.at(t)),
    rain_rate: (t) => 40 * Math.max(0, shower.at(t) + 0.5 * front.at(t) - 0.4) ** 1.5,
    lat: () => place.lat,
    lon: () => place.lon,
  };
}
