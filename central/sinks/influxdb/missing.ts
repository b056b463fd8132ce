import { isRunId, type RunId } from '../../../protocol/ids.ts';
import { OTHER_MEASUREMENTS } from './api.ts';
import { quoted } from './api-v1.ts';

/**
 * InfluxQL, in which no run can be compared with the numbers that it should have: the sequences that are there of a run.
 * `$measurements` and `$run` stand for what `sequencesQuery` puts there.
 */
export const SEQUENCES_OF_RUN = `SELECT "sequence" FROM $measurements WHERE "run" = '$run'`;

/** The query for a run. `measurement` is that of the samples. */
export function sequencesQuery(measurement: string, run: RunId): string {
  if (!isRunId(run)) throw new RangeError('not the id of a run');
  const measurements = [measurement, ...OTHER_MEASUREMENTS].map(quoted).join(', ');
  return SEQUENCES_OF_RUN.replace('$measurements', () => measurements).replace('$run', run);
}
