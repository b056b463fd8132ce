import { quotedName } from './table.ts';

/**
 * SQL: which sequences of a run are missing between 1 and its last that is there, in pieces `first` to `last`. Reads the
 * index on run and sequence. `$table` stands for what `missingQuery` puts there; `$1` is the run.
 */
export const MISSING_OF_RUN = `SELECT previous + 1 AS first, sequence - 1 AS last
FROM (SELECT sequence, coalesce(lag(sequence) OVER (ORDER BY sequence), 0) AS previous
  FROM $table WHERE run = $1) AS sequences
WHERE sequence > previous + 1
ORDER BY first`;

/** The query for a table; it is for the id of a run. */
export function missingQuery(schema: string, table: string): string {
  return MISSING_OF_RUN.replace('$table', () => quotedName(schema, table));
}
