import { BOUNDS, type SequencedRecord } from '../../protocol/record.ts';

/** How many of the records, from the first on, go into one batch by their metrics and cells; at least one. */
export function fittingCount(records: readonly SequencedRecord[]): number {
  const names = new Set<string>();
  let cells = 0;
  for (const [index, { metrics, flags }] of records.entries()) {
    for (const part of [metrics, flags]) {
      for (const name of Object.keys(part)) {
        if (part === flags && Object.hasOwn(metrics, name)) continue;
        names.add(name);
        cells += 1;
      }
    }
    if (index > 0 && (names.size > BOUNDS.metricsPerBatch || cells > BOUNDS.cellsPerBatch)) return index;
  }
  return records.length;
}
