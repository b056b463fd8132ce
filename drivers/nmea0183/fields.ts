/**
 * Fields of a sentence, read strictly: what is not exactly a number, an angle, a time as the standard writes it is absent.
 * An empty field is absent too, never 0.
 */

/** Exact: the international nautical mile. */
const METRES_PER_NAUTICAL_MILE = 1852;
/** Exact: the statute mile. */
const METRES_PER_STATUTE_MILE = 1609.344;
const SECONDS_PER_HOUR = 3600;
/** Exact: the international foot. */
export const METRES_PER_FOOT = 0.3048;
/** Exact: six feet. */
export const METRES_PER_FATHOM = 6 * METRES_PER_FOOT;

const NUMBER = /^[+-]?(?:\d{1,10}(?:\.\d{0,10})?|\.\d{1,10})$/;

/** `12.3`, `-0.5`, `007`; never `-0`, which is 0. */
export function number(field: string | undefined): number | undefined {
  if (field === undefined || !NUMBER.test(field)) return undefined;
  return Number(field) + 0;
}

/** A number that cannot be negative: a speed, a depth, a count. */
export function positive(field: string | undefined): number | undefined {
  const value = number(field);
  return value === undefined || value < 0 ? undefined : value;
}

/** Degrees from 0 to 360, as they stand. */
export function angle(field: string | undefined): number | undefined {
  const value = positive(field);
  return value === undefined || value > 360 ? undefined : value;
}

/** An angle whose next field must hold the letter that says what it is measured from: `T` true, `M` magnetic. */
export function angleFrom(fields: readonly string[], at: number, reference: 'T' | 'M'): number | undefined {
  return fields[at + 1] === reference ? angle(fields[at]) : undefined;
}

/** Degrees brought into 0 ≤ angle < 360. */
export function turn(degrees: number): number {
  const rest = degrees % 360;
  return rest < 0 ? rest + 360 : rest + 0;
}

/** An offset in degrees and its side, `E` positive, `W` negative; undefined where either is absent. */
export function eastward(fields: readonly string[], at: number): number | undefined {
  const value = angle(fields[at]);
  if (value === undefined || value > 180) return undefined;
  if (fields[at + 1] === 'E') return value;
  return fields[at + 1] === 'W' ? 0 - value : undefined;
}

/** Metres per second from a speed and the letter of its unit: `M` m/s, `N` knots, `K` km/h, `S` statute miles an hour. */
export function speed(value: string | undefined, unit: string | undefined): number | undefined {
  const given = positive(value);
  if (given === undefined) return undefined;
  switch (unit) {
    case 'M':
      return given;
    case 'N':
      return (given * METRES_PER_NAUTICAL_MILE) / SECONDS_PER_HOUR;
    case 'K':
      return (given * 1000) / SECONDS_PER_HOUR;
    case 'S':
      return (given * METRES_PER_STATUTE_MILE) / SECONDS_PER_HOUR;
    default:
      return undefined;
  }
}

/** The first of some speeds that is there: each a field and, after it, its unit. */
export function firstSpeed(fields: readonly string[], ...at: readonly number[]): number | undefined {
  return first(at, (index) => speed(fields[index], fields[index + 1]));
}

/** Whether a status field says that the data are valid: `A`, never `V` or nothing. */
export function isValid(status: string | undefined): boolean {
  return status === 'A';
}

/**
 * Whether the mode indicator (NMEA 0183 since 2.3) lets the status be valid: autonomous, differential, float and fixed RTK,
 * precise. Talkers before 2.3 have no such field. Estimated, manual, simulated and none are not measurements.
 */
export function isMeasured(mode: string | undefined): boolean {
  return mode === undefined || mode === '' || ['A', 'D', 'F', 'R', 'P'].includes(mode);
}

const TIME = /^([01]\d|2[0-3])([0-5]\d)([0-5]\d)(?:\.(\d{1,6}))?$/;

/** `hhmmss`, `hhmmss.ss` → milliseconds of the day. A leap second has no place there: absent. */
export function timeOfDayMs(field: string | undefined): number | undefined {
  const match = TIME.exec(field ?? '');
  if (match === null) return undefined;
  const [, hours, minutes, seconds, fraction = '0'] = match;
  const wholeSeconds = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
  return wholeSeconds * 1000 + Math.floor(Number(`0.${fraction}`) * 1000 + 1e-6);
}

/** A day that exists → UTC milliseconds at its start; `month` from 1. */
export function dayMs(year: number, month: number, day: number): number | undefined {
  const ms = Date.UTC(year, month - 1, day);
  const date = new Date(ms);
  const exists = date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  return exists ? ms : undefined;
}

const LATITUDE = /^(\d{2})([0-5]\d(?:\.\d{0,10})?)$/;
const LONGITUDE = /^(\d{3})([0-5]\d(?:\.\d{0,10})?)$/;

/** `ddmm.mmm,N,dddmm.mmm,E` from the field `at` on → degrees to 1e-7, north and east positive. */
export function position(
  fields: readonly string[],
  at: number,
): { readonly lat: number; readonly lon: number } | undefined {
  const lat = degrees(LATITUDE.exec(fields[at] ?? ''), fields[at + 1], 'N', 'S');
  const lon = degrees(LONGITUDE.exec(fields[at + 2] ?? ''), fields[at + 3], 'E', 'W');
  if (lat === undefined || lon === undefined || Math.abs(lat) > 90 || Math.abs(lon) > 180) return undefined;
  return { lat, lon };
}

function degrees(
  match: RegExpExecArray | null,
  side: string | undefined,
  plus: string,
  minus: string,
): number | undefined {
  if (match === null || (side !== plus && side !== minus)) return undefined;
  const value = Math.round((Number(match[1]) + Number(match[2]) / 60) * 1e7) / 1e7;
  return side === minus ? 0 - value : value;
}

/** The first defined result of `read` for some places in a sentence. */
export function first<Place, T>(places: readonly Place[], read: (place: Place) => T | undefined): T | undefined {
  for (const place of places) {
    const value = read(place);
    if (value !== undefined) return value;
  }
  return undefined;
}
