import { IntervalSet } from '../../../protocol/intervals.ts';

/**
 * Sequences between 1 and the last that is there that are not, ascending: for stores whose own language cannot say it.
 * @param there in any order, repeats included
 */
export function missingSequences(there: Iterable<number>): number[] {
  const set = new IntervalSet([...there].map((sequence) => [sequence, sequence]));
  return set
    .missing(1, set.last ?? 0)
    .flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, at) => first + at));
}
