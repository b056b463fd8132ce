import { angle, angleFrom, firstSpeed, isValid, speed, turn } from './fields.ts';
import { claims, type Reader } from './report.ts';

/**
 * `MWV,angle,R|T,speed,unit,status`: wind angle and speed, relative (apparent) or theoretical (true). The true angle is
 * against the bow, not north, so it is no `wind_direction`.
 */
export const readMwv: Reader = (fields) => {
  const [, reference] = fields;
  const isGood = isValid(fields[4]);
  const given = speed(fields[2], fields[3]);
  if (reference === 'T') return { claims: claims('MWV,T', isGood, { wind_speed: given }) };
  if (reference !== 'R') return { claims: [] };
  return {
    claims: claims('MWV,R', isGood, { apparent_wind_angle: angle(fields[0]), apparent_wind_speed: given }),
  };
};

/** `MWD,direction,T,direction,M,speed,N,speed,M`: where the wind comes from, against north. It has no status. */
export const readMwd: Reader = (fields) => ({
  claims: claims('MWD', true, {
    wind_direction: angleFrom(fields, 0, 'T'),
    wind_speed: firstSpeed(fields, 6, 4),
  }),
});

/** `VWR,angle,L|R,speed,N,speed,M,speed,K`: apparent wind, its angle 0 to 180 from the bow to port (L) or starboard (R). */
export const readVwr: Reader = (fields) => ({
  claims: claims('VWR', true, {
    apparent_wind_angle: sided(fields),
    apparent_wind_speed: firstSpeed(fields, 4, 2, 6),
  }),
});

/** `VWT,…`: as VWR, of the true wind. Only its speed has a metric. */
export const readVwt: Reader = (fields) => ({
  claims: claims('VWT', true, { wind_speed: firstSpeed(fields, 4, 2, 6) }),
});

function sided([field, side]: readonly string[]): number | undefined {
  const given = angle(field);
  if (given === undefined || given > 180) return undefined;
  if (side === 'R') return given;
  return side === 'L' ? turn(360 - given) : undefined;
}
