import type { MooringError } from '../../../runtime/errors.ts';
import type { FlatRecord } from '../../recordlog/recordlog.ts';

/** A record of an existing device, on its way to the log. */
export interface ForeignEntry {
  readonly flat: FlatRecord;
  /** `flat` as JSON. */
  readonly json: string;
}

/** Where a record is: a durable one may be there more than once, and this is one of its places. */
export interface ForeignPlace {
  readonly partition: number;
  readonly offset: number;
}

/** What became of one record: it is durable at a place, or the log will never take it. */
export type ForeignFate = ForeignPlace | { readonly refused: 'too_large' | 'refused_by_log' };

/** Nobody knows whether the log has it: it may be given again. */
export interface ForeignFailure {
  readonly failure: MooringError;
}

/** Where the records of existing devices go. They have no run and no sequence: what names them is their id. */
export interface ForeignLog {
  /**
   * Resolves when it is known of each record whether it is durable, or refused for good, or may be missing, in their order.
   * Rejects with a `MooringError` when any of them may be missing. What may be missing may be given again. Calls may overlap,
   * and how much waits at once is the caller's to bound.
   */
  append(records: readonly ForeignEntry[]): Promise<readonly (ForeignFate | ForeignFailure)[]>;
}

/** The key that a record stands under: what one device says stays in one partition. */
export function foreignKeyOf({ gateway, station }: Pick<FlatRecord, 'gateway' | 'station'>): string {
  return `${gateway}/${station}`;
}
