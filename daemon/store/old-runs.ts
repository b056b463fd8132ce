import { IntervalSet, type Range } from '../../protocol/intervals.ts';
import type { RunTable, StoredRunRow } from './run-table.ts';

/**
 * The runs that nobody will ask about any more, so that a gateway that starts often does not keep them all: those that
 * never had a record, and the oldest ones of which every record is gone. Not the newest of these: the boot record of the
 * run after it names it, and a forwarder that is added has to be told what it missed.
 *
 * @param gone the rows that were there
 */
export function forgettableRuns(runs: RunTable, lastRow: number, gone: readonly Range[]): StoredRunRow[] {
  const goneRows = new IntervalSet(gone);
  const empty: StoredRunRow[] = [];
  const old: StoredRunRow[] = [];
  let isOld = true;
  for (const run of runs.all) {
    const ever = runs.rowsOf(run, lastRow);
    if (ever === undefined) empty.push(run);
    else isOld &&= goneRows.covers(...ever);
    if (ever !== undefined && isOld) old.push(run);
  }
  // The number of the newest run stays taken.
  const newest = runs.all.at(-1);
  return [...empty.filter((run) => run !== newest), ...old.slice(0, -1)];
}
