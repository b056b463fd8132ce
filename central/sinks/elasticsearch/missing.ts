import { isRunId, type RunId } from '../../../protocol/ids.ts';

/** Sequences that one query looks at: a server answers with at most 65,535 buckets, from one of each. */
export const MISSING_WINDOW = 10_000;

/** The last sequence of a run that is there: `aggregations.last.value`, null where there is none. */
export const LAST_OF_RUN = '{"size":0,"query":{"term":{"run":"$run"}},"aggs":{"last":{"max":{"field":"sequence"}}}}';

/**
 * Sequences of a run between `$first` and `$last` that are missing: the keys of `aggregations.missing.buckets`. A bucket a
 * sequence, of which those stay that have no record.
 */
export const MISSING_OF_RUN =
  '{"size":0,"query":{"bool":{"filter":[{"term":{"run":"$run"}},{"range":{"sequence":{"gte":$first,"lte":$last}}}]}},' +
  '"aggs":{"missing":{"histogram":{"field":"sequence","interval":1,"min_doc_count":0,"extended_bounds":{"min":$first,"max":$last}},' +
  '"aggs":{"none":{"bucket_selector":{"buckets_path":{"records":"_count"},"script":"params.records == 0"}}}}}}';

/** `LAST_OF_RUN` for a run. */
export function lastQuery(run: RunId): string {
  return LAST_OF_RUN.replace('$run', checked(run));
}

/** `MISSING_OF_RUN` for a run from `first` on, up to `last` or the end of the window. */
export function missingQuery(run: RunId, first: number, last: number): string {
  const end = Math.min(last, first + MISSING_WINDOW - 1);
  return MISSING_OF_RUN.replace('$run', checked(run))
    .replaceAll('$first', String(first))
    .replaceAll('$last', String(end));
}

function checked(run: RunId): RunId {
  if (!isRunId(run)) throw new RangeError('not the id of a run');
  return run;
}
