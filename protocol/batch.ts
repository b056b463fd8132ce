import type { SequencedRecord } from './record.ts';

/** What every version of a batch begins with: enough to answer it even where its body cannot be read. */
export interface BatchPreamble {
  readonly version: number;
  /** 16 bytes: names the run, together with the gateway that the channel authenticates. */
  readonly salt: Uint8Array;
  /** Counted per forwarder and start, u32. */
  readonly batch: number;
  /** 8 random bytes: who answers has seen the batch. */
  readonly token: Uint8Array;
}

/** Records of one run. Sequences are unique and ascending. */
export interface Batch extends BatchPreamble {
  readonly records: readonly SequencedRecord[];
}
