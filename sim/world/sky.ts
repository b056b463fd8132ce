const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const YEAR_MS = 365.2425 * DAY_MS;
const RADIANS = Math.PI / 180;

export interface Place {
  /** Degrees north. */
  readonly lat: number;
  /** Degrees east. */
  readonly lon: number;
}

/** What returns with the sun at one place: hours, days and seasons, as functions of time (UTC, milliseconds). */
export class Sky {
  readonly #place: Place;

  constructor(place: Place) {
    this.#place = place;
  }

  /** Hours of local solar time, 0–24. */
  solarHour(timeMs: number): number {
    const hours = (timeMs / HOUR_MS + this.#place.lon / 15) % 24;
    return hours < 0 ? hours + 24 : hours;
  }

  /** A cycle of one day in [−1, 1] that peaks at an hour of solar time. */
  daily(timeMs: number, peakHour: number): number {
    return Math.cos((2 * Math.PI * (this.solarHour(timeMs) - peakHour)) / 24);
  }

  /** Sine of the sun's height above the horizon, 0 at night; declination by Cooper's formula (Solar Energy 12, 1969). */
  sunHeight(timeMs: number): number {
    const dayOfYear = ((timeMs % YEAR_MS) + YEAR_MS) / DAY_MS;
    const declination = 23.45 * RADIANS * Math.sin((2 * Math.PI * (284 + dayOfYear)) / 365);
    const hourAngle = (this.solarHour(timeMs) - 12) * 15 * RADIANS;
    const latitude = this.#place.lat * RADIANS;
    return Math.max(
      0,
      Math.sin(latitude) * Math.sin(declination) + Math.cos(latitude) * Math.cos(declination) * Math.cos(hourAngle),
    );
  }

  /** The atmosphere's half-daily tide, in hPa: highest about 10 and 22 h of solar time. */
  pressureTide(timeMs: number): number {
    return 0.6 * Math.cos((4 * Math.PI * (this.solarHour(timeMs) - 10)) / 24);
  }
}

/** A cycle of one year in [−1, 1] that peaks on a day of the year. */
export function season(timeMs: number, peakDay: number): number {
  return Math.cos((2 * Math.PI * (timeMs - peakDay * DAY_MS)) / YEAR_MS);
}

/** Saturation vapour pressure over water in hPa; Magnus formula with Sonntag's constants (Z. Meteorol. 70, 1990). */
export function vapourPressure(celsius: number): number {
  return 6.112 * Math.exp((17.62 * celsius) / (243.12 + celsius));
}

/** Degrees in [0, 360). */
export function compass(degrees: number): number {
  return ((degrees % 360) + 360) % 360;
}
