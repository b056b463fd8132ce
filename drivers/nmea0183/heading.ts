import { angle, angleFrom, eastward, turn } from './fields.ts';
import { claims, type Reader } from './report.ts';

/** `HDT,heading,T`: true heading. */
export const readHdt: Reader = (fields) => ({ claims: claims('HDT', true, { heading: angleFrom(fields, 0, 'T') }) });

/** `HDM,heading,M`: magnetic heading. */
export const readHdm: Reader = (fields) => ({
  claims: claims('HDM', true, { heading_magnetic: angleFrom(fields, 0, 'M') }),
});

/**
 * `HDG,heading,deviation,E|W,variation,E|W`: what the compass shows. Magnetic heading = heading + deviation, true heading =
 * magnetic heading + variation, east positive. An empty deviation is one that the compass has applied already; without a
 * variation there is no true heading.
 */
export const readHdg: Reader = (fields) => {
  const compass = angle(fields[0]);
  if (compass === undefined) return { claims: [] };
  const magnetic = compass + (eastward(fields, 1) ?? 0);
  const variation = eastward(fields, 3);
  return {
    claims: claims('HDG', true, {
      heading_magnetic: turn(magnetic),
      heading: variation === undefined ? undefined : turn(magnetic + variation),
    }),
  };
};
