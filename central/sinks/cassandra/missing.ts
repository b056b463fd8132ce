import { quotedName, type TablePlace } from './table.ts';

/**
 * CQL, in which no number can be compared with the one before: the sequences that are there of a run, in no order. Uses the
 * index on `run` where there is one, and reads the whole table where there is none. `$table` stands for what `sequencesQuery`
 * puts there; `?` is the run.
 */
export const SEQUENCES_OF_RUN = 'SELECT sequence FROM $table WHERE run = ? ALLOW FILTERING';

/** The query for a table; it is for the id of a run. */
export function sequencesQuery({ keyspace, table }: TablePlace): string {
  return SEQUENCES_OF_RUN.replace('$table', () => quotedName(keyspace, table));
}
