/**
 * Upper ends of the five levels of the German Environment Agency for TVOC, in ppb (0.3, 1, 3, 10, 25 mg/m³ at 220 ppb each):
 * Bundesgesundheitsblatt 50 (2007) 990–1005. The index grows by 100 over each.
 */
const TVOC_LEVELS_PPB = [0, 65, 220, 660, 2200, 5500] as const;

/** Index of air quality, 0 to 500, from TVOC in ppb. */
export function airQuality(tvocPpb: number): number {
  return TVOC_LEVELS_PPB.slice(1).reduce<number>((index, to, level) => {
    const from = TVOC_LEVELS_PPB[level] as number;
    return index + 100 * Math.min(1, Math.max(0, (tvocPpb - from) / (to - from)));
  }, 0);
}
