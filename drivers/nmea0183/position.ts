import { dayMs, isMeasured, isValid, number, position, positive, timeOfDayMs } from './fields.ts';
import { claims, type Reader } from './report.ts';
import { courseAndSpeed } from './speed.ts';

/** GGA qualities that are a measured position: GPS, differential, PPS, RTK fixed, RTK float. Not: estimated, manual, simulated. */
const MEASURED = [1, 2, 3, 4, 5];

/** `GGA,time,lat,N|S,lon,E|W,quality,satellites,hdop,altitude,M,geoid,M,age,station`: the fix, and how good it is. */
export const readGga: Reader = (fields) => {
  const quality = wholeUpTo(8, fields[5]);
  const hasFix = quality !== undefined && MEASURED.includes(quality);
  const found = hasFix ? position(fields, 1) : undefined;
  const alt = fields[9] === 'M' ? number(fields[8]) : undefined;
  return {
    claims: claims('GGA', true, {
      gnss_fix: quality,
      satellites: wholeUpTo(99, fields[6]),
      hdop: positive(fields[7]),
    }),
    ...(quality === undefined ? {} : { hasFix }),
    ...(found === undefined
      ? {}
      : { position: { source: 'GGA', location: alt === undefined ? found : { ...found, alt } } }),
  };
};

/** `RMC,time,status,lat,N|S,lon,E|W,speed,course,date,variation,E|W,mode`: the recommended minimum; speed in knots. */
export const readRmc: Reader = (fields) => {
  const hasFix = isValid(fields[1]) && isMeasured(fields[11]);
  const found = hasFix ? position(fields, 2) : undefined;
  const utcMs = hasFix ? rmcTimeMs(fields[0], fields[8]) : undefined;
  return {
    claims: claims('RMC', hasFix, courseAndSpeed(fields[7], fields[6], 'N')),
    hasFix,
    ...(found === undefined ? {} : { position: { source: 'RMC', location: found } }),
    ...(utcMs === undefined ? {} : { utcMs }),
  };
};

/** `GLL,lat,N|S,lon,E|W,time,status,mode`: the position alone. Talkers before 2.0 have no status: then a position is valid. */
export const readGll: Reader = (fields) => {
  const found = position(fields, 0);
  const hasFix = fields[5] === undefined ? found !== undefined : isValid(fields[5]) && isMeasured(fields[6]);
  return {
    claims: [],
    hasFix,
    ...(found === undefined || !hasFix ? {} : { position: { source: 'GLL', location: found } }),
  };
};

function wholeUpTo(max: number, field: string | undefined): number | undefined {
  const value = positive(field);
  return value !== undefined && Number.isInteger(value) && value <= max ? value : undefined;
}

const DATE = /^(\d{2})(\d{2})(\d{2})$/;
/** Two digits of a year from here on are of the last century: GPS began in 1980. */
const CENTURY_TURN = 80;

/** Time `hhmmss.ss` and date `ddmmyy` → UTC milliseconds. */
function rmcTimeMs(time: string | undefined, date: string | undefined): number | undefined {
  const ofDayMs = timeOfDayMs(time);
  const match = DATE.exec(date ?? '');
  if (ofDayMs === undefined || match === null) return undefined;
  const year = Number(match[3]);
  const startMs = dayMs(year + (year < CENTURY_TURN ? 2000 : 1900), Number(match[2]), Number(match[1]));
  return startMs === undefined ? undefined : startMs + ofDayMs;
}
