import { angle, angleFrom, firstSpeed, isMeasured, speed } from './fields.ts';
import { claims, type Reader } from './report.ts';

/** Course over ground, true, and speed over ground from fields that hold them. */
export function courseAndSpeed(
  course: string | undefined,
  value: string | undefined,
  unit: string | undefined,
): Readonly<Record<string, number | undefined>> {
  return { course_over_ground: angle(course), speed_over_ground: speed(value, unit) };
}

/** `VTG,course,T,course,M,speed,N,speed,K,mode`: course and speed over ground. It has no status but the mode. */
export const readVtg: Reader = (fields) => ({
  claims: claims('VTG', isMeasured(fields[8]), {
    course_over_ground: angleFrom(fields, 0, 'T'),
    speed_over_ground: firstSpeed(fields, 4, 6),
  }),
});

/** `VHW,heading,T,heading,M,speed,N,speed,K`: speed through the water, and the headings the log was told. */
export const readVhw: Reader = (fields) => ({
  claims: claims('VHW', true, {
    heading: angleFrom(fields, 0, 'T'),
    heading_magnetic: angleFrom(fields, 2, 'M'),
    speed_through_water: firstSpeed(fields, 4, 6),
  }),
});
