import type { Row } from './row.ts';

/** A row that is to be written. */
export interface PlacedRow extends Row {
  /** Where its record stands among those of the write. */
  readonly index: number;
  /** Of its record as JSON. */
  readonly bytes: number;
}

/** Rows of one batch. */
const ROWS_MAX = 50;
/**
 * Of one batch, in bytes of JSON. A batch of one partition is one mutation: its server bounds that by half a segment of its
 * commit log and not by `batch_size_fail_threshold`. It is smaller than that so that a deadline is about little.
 */
const BYTES_MAX = 65_536;

/** Rows in batches that are each of one partition, and no larger than a server takes; a large row stands alone. */
export function batchesOf(rows: Iterable<PlacedRow>): PlacedRow[][] {
  const open = new Map<string, { batch: PlacedRow[]; bytes: number }>();
  const batches: PlacedRow[][] = [];
  for (const row of rows) {
    let current = open.get(row.partition);
    if (current === undefined || current.batch.length === ROWS_MAX || current.bytes + row.bytes > BYTES_MAX) {
      current = { batch: [], bytes: 0 };
      open.set(row.partition, current);
      batches.push(current.batch);
    }
    current.batch.push(row);
    current.bytes += row.bytes;
  }
  return batches;
}
