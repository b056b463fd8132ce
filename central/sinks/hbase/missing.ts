import { isRunId, type RunId } from '../../../protocol/ids.ts';
import { familyOf, type HbaseLayout } from './row.ts';

/**
 * A filter in HBase's own language (Reference Guide, "Filter Language"): the rows of a run. It reads the whole table, at the
 * region servers. Needs the columns `run` and `sequence`, and gives back those. `$family` and `$run` stand for what
 * `sequencesPath` puts there.
 */
export const SEQUENCES_OF_RUN = "SingleColumnValueFilter('$family','run',=,'binary:$run',true,true)";

/** Path and query of the scan below the URL of the REST server. */
export function sequencesPath(table: string, layout: HbaseLayout, run: RunId): string {
  if (!isRunId(run)) throw new RangeError('not the id of a run');
  const family = familyOf(layout);
  const filter = SEQUENCES_OF_RUN.replace('$family', family).replace('$run', run);
  const columns = ['run', 'sequence'].map((name): [string, string] => ['column', `${family}:${name}`]);
  return `/${encodeURIComponent(table)}/*?${new URLSearchParams([...columns, ['filter', filter]])}`;
}
