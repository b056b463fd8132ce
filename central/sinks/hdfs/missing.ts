/**
 * SQL of DuckDB: sequences between 1 and the last of a run that stand in no file of the folder, ascending. `$files` is a
 * pattern as `/mooring/date=X/Y.parquet` with asterisks for both, `$run` the run's id; DuckDB binds them by these names. What
 * is younger than `roll` may stand in the log, whose lines are JSON.
 */
export const MISSING_OF_RUN = `
WITH there AS (
  SELECT sequence FROM read_parquet($files, hive_partitioning = true, hive_types = {'date': VARCHAR}) WHERE run = $run
)
SELECT number AS sequence FROM range(1, (SELECT coalesce(max(sequence), 0) FROM there)) AS numbers(number)
ANTI JOIN there ON there.sequence = number ORDER BY number`;
