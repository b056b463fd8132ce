import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

/** What the bus said in one go, ended by its ZDA. */
export interface Burst {
  /** The time of day in the ZDA, `hhmmss`. */
  readonly zda: string;
  /** Seconds since the first ZDA. */
  readonly second: number;
  /** Without line ends; the last is the ZDA. */
  readonly lines: readonly string[];
}

const RECORDING = new URL('../drivers/nmea0183/fixtures/plaka-1h.nmea.gz', import.meta.url);

/** The recorded hour (drivers/nmea0183/fixtures/SOURCE.md) as it is replayed: all sentences up to a ZDA come at its second. */
export function recordedHour(): readonly Burst[] {
  const bursts: Burst[] = [];
  let lines: string[] = [];
  let firstSecond: number | undefined;
  for (const line of gunzipSync(readFileSync(RECORDING)).toString('latin1').split('\r\n')) {
    if (line === '') continue;
    lines.push(line);
    const [, zda] = /^\$..ZDA,(\d{6})/.exec(line) ?? [];
    if (zda === undefined) continue;
    const ofDay = Number(zda.slice(0, 2)) * 3600 + Number(zda.slice(2, 4)) * 60 + Number(zda.slice(4, 6));
    firstSecond ??= ofDay;
    bursts.push({ zda, second: ofDay - firstSecond, lines });
    lines = [];
  }
  return bursts;
}
