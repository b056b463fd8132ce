import { sinkRejectCode } from '../../../protocol/ack.ts';
import type { RunId } from '../../../protocol/ids.ts';
import { IntervalSet, type Range } from '../../../protocol/intervals.ts';
import type { LogRejection, Standing } from '../recordlog.ts';
import type { Ledger } from './ledger.ts';

/** Where records of a run stand, as far as the ledger knows. What a sink that decides has refused for good is never stored. */
export function standingOf(ledger: Ledger, run: RunId, ranges: readonly Range[]): Standing {
  const left = new IntervalSet(ranges);
  const rejected: LogRejection[] = [];
  for (const [sink, sequences] of ledger.rejected.of(run)) {
    const refused = left.ranges().flatMap((range) => sequences.within(...range));
    for (const range of refused) left.remove(...range);
    if (refused.length > 0) rejected.push(rejectionBy(sink, refused));
  }
  const within = (of: 'stored' | 'heldOf'): Range[] =>
    left.ranges().flatMap((range) => ledger[of](run).within(...range));
  return { stored: within('stored'), held: within('heldOf'), rejected };
}

/** They are in the dead letter, where the sink's feed has put them. */
export function rejectionBy(sink: string, ranges: readonly Range[]): LogRejection {
  return { ranges, code: sinkRejectCode(sink), reason: `the sink ${sink} does not take it`, isKept: true };
}
