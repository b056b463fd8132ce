import type { ConsumedMessage } from './client.ts';

/**
 * One membership of a consumer group, of one of the packages: from joining to leaving or to its loss. What is read from
 * where, and when, is not its own: it is told.
 */
export interface GroupMember {
  /** Resolves when it has joined. Rejects with a `MooringError`; then it is only to be left. */
  join(): Promise<void>;
  /** Begins to read an assigned partition there, paused or not before. */
  read(partition: number, offset: number): void;
  pause(partition: number): void;
  resume(partition: number): void;
  commit(offsets: ReadonlyMap<number, number>): Promise<void>;
  /** Leaves within some seconds; never rejects. */
  leave(): Promise<void>;
}

export interface GroupMemberEvents {
  /** It has these partitions from now on, and no others. None is read until `read` says where. */
  readonly onAssigned: (partitions: readonly number[]) => void;
  /** What one fetch had of a partition. False when nobody takes it: then it counts as not read. */
  readonly onMessages: (partition: number, stretch: Stretch, messages: readonly ConsumedMessage[]) => boolean;
  /** It had joined, and is of no use any more. Called at most once. */
  readonly onLost: (error: Error) => void;
}

/** Offsets that a fetch has gone over: `from` was asked for, `to` comes next. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
}

/**
 * How a member behaves in its group. The packages' own figures cost half a minute after a kill, and seconds with each
 * rebalance (docs/decisions.md). Brokers take no session shorter than 6 s.
 */
export const GROUP = {
  sessionMs: 6000,
  heartbeatMs: 1500,
  /** Those that the group waits for have this long to join again. */
  rebalanceMs: 10_000,
  /** A join waits for a rebalance, and for the session of one who has died. */
  joinMs: 20_000,
  /** How long a broker holds a fetch that finds nothing. */
  fetchWaitMs: 500,
  fetchPartitionBytes: 1_048_576,
  /** What is read and not yet handed on is never more than this, and the largest message. */
  fetchBytes: 4_194_304,
} as const;
