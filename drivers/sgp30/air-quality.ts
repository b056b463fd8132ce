/**
 * TVOC at the upper ends of the five levels of the German Environment Agency, in ppb, each with its index. The levels are
 * given in mg/m³ (0.3, 1, 3, 10, 25): Bundesgesundheitsblatt 50 (2007) 990–1005, doi:10.1007/s00103-007-0290-y. 1 mg/m³ of
 * their usual mixture is 220 ppb.
 */
const LEVELS: readonly (readonly [tvocPpb: number, index: number])[] = [
  [0, 0],
  [65, 100],
  [220, 200],
  [660, 300],
  [2200, 400],
  [5500, 500],
];

/** Index of air quality, 0 to 500, from TVOC in ppb: linear between the ends of the levels, 500 beyond the last. */
export function airQualityOf(tvocPpb: number): number {
  let [fromPpb, fromIndex] = [0, 0];
  for (const [toPpb, toIndex] of LEVELS.slice(1)) {
    if (tvocPpb < toPpb) return fromIndex + ((tvocPpb - fromPpb) * (toIndex - fromIndex)) / (toPpb - fromPpb);
    [fromPpb, fromIndex] = [toPpb, toIndex];
  }
  return fromIndex;
}

/** The steepest slope of the index, per ppb. */
export const INDEX_PER_PPB_MAX = 100 / 65;
