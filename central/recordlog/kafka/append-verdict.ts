import { type Range, rangesOf } from '../../../protocol/intervals.ts';
import type { LogOutcome } from '../recordlog.ts';
import type { HeldPiece } from './ledger.ts';

/** What is found out about an append. */
export interface Verdict {
  /** Where its records are that the log has, and that are not known to be stored. */
  readonly pieces: Set<HeldPiece>;
  /** Sequences that this append has produced. */
  readonly fresh: Set<number>;
  readonly tooLarge: number[];
  readonly refused: number[];
}

export function sequencesIn(ranges: readonly Range[]): number[] {
  const sequences: number[] = [];
  for (const [first, last] of ranges)
    for (let sequence = first; sequence <= last; sequence += 1) sequences.push(sequence);
  return sequences;
}

export function within({ sequences }: HeldPiece, taken: readonly number[]): number[] {
  return taken.filter((sequence) => sequences.has(sequence));
}

export function rejectedOf({ tooLarge, refused }: Verdict, recordBytesMax: number): LogOutcome['rejected'] {
  const ranges = (sequences: readonly number[]): Range[] => rangesOf(sequences.toSorted((a, b) => a - b));
  const rejected: LogOutcome['rejected'][number][] = [];
  if (tooLarge.length > 0) {
    const reason = `larger than ${recordBytesMax} bytes as JSON, or than the topic takes`;
    rejected.push({ ranges: ranges(tooLarge), code: 'too_large', reason });
  }
  if (refused.length > 0) {
    rejected.push({ ranges: ranges(refused), code: 'refused_by_log', reason: 'the broker refuses it for good' });
  }
  return rejected;
}
