import { quotedName } from './table.ts';

/**
 * SQL: which sequences of a run are missing between 1 and its last that is there, in pieces `first` to `last`. Reads the
 * index `run_sequence` and no row. `$table` stands for what `missingQuery` puts there; `?` is the run.
 */
export const MISSING_OF_RUN = `SELECT previous + 1 AS first, sequence - 1 AS last
FROM (SELECT sequence, COALESCE(LAG(sequence) OVER (ORDER BY sequence), 0) AS previous
  FROM $table WHERE run = ?) AS sequences
WHERE sequence > previous + 1
ORDER BY first`;

/** The query for a table; it is for the id of a run. */
export function missingQuery(database: string, table: string): string {
  return MISSING_OF_RUN.replace('$table', () => quotedName(database, table));
}
