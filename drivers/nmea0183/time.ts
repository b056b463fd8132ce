import { dayMs, timeOfDayMs } from './fields.ts';
import type { Reader } from './report.ts';

const TWO_DIGITS = /^\d{1,2}$/;
const YEAR = /^\d{4}$/;

/**
 * `ZDA,time,day,month,year,zone hours,zone minutes`: UTC time and date; the zone changes nothing. Without a date it says
 * nothing. It has no status: whether the receiver has a fix is for others to say.
 */
export const readZda: Reader = ([time, day = '', month = '', year = '']) => {
  const ofDayMs = timeOfDayMs(time);
  const isDated = TWO_DIGITS.test(day) && TWO_DIGITS.test(month) && YEAR.test(year);
  const startMs = isDated ? dayMs(Number(year), Number(month), Number(day)) : undefined;
  return { claims: [], ...(ofDayMs === undefined || startMs === undefined ? {} : { utcMs: startMs + ofDayMs }) };
};
