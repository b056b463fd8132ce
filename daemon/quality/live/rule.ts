import type { Flag } from '../../../protocol/record.ts';
import type { SampleTime } from '../types.ts';

/** One rule for one metric, told value after value in the order of time. Holds a bounded past, whatever comes. */
export interface LiveRule {
  judge(value: number, at: SampleTime): Flag;
  /** A value that was due is missing; left out where that changes nothing. */
  miss?(): void;
}
