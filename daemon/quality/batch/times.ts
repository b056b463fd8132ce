import type { Flag } from '../../../protocol/record.ts';
import { FAIL, MISSING, NOT_EVALUATED, PASS, SUSPECT } from '../flags.ts';

/**
 * QARTOD time gap: 4 where the step from the time before is longer than `gapMs`. The first has the second's step. 2 after a
 * time that is missing, and where there is only one.
 */
export function timeGap(timesMs: readonly (number | undefined)[], gapMs: number): Flag[] {
  return timesMs.map((time, index) => {
    if (time === undefined && index > 0) return MISSING;
    const [before, after] = index === 0 ? timesMs.slice(0, 2) : [timesMs[index - 1], time];
    if (before === undefined || after === undefined) return NOT_EVALUATED;
    return after - before > gapMs ? FAIL : PASS;
  });
}

/** ARGO duplicate timestamps: 3 for each time that stands more than once, wherever. */
export function duplicateTimestamp(timesMs: readonly (number | undefined)[]): Flag[] {
  const counts = new Map<number | undefined, number>();
  for (const time of timesMs) counts.set(time, (counts.get(time) ?? 0) + 1);
  return timesMs.map((time) => {
    if (time === undefined) return MISSING;
    return counts.get(time) === 1 ? PASS : SUSPECT;
  });
}
