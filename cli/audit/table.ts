import { countOf, type Range } from '../../protocol/intervals.ts';
import type { RunReport } from './ledger.ts';

const RANGES_SHOWN = 8;

type Column = readonly [title: string, cell: (run: RunReport) => string | number];

const COLUMNS: readonly Column[] = [
  ['run', ({ run }) => run],
  ['last', ({ last }) => last ?? '-'],
  ['records', ({ records }) => records],
  ['missing', ({ holes }) => countOf(holes)],
  ['twice', ({ duplicates }) => duplicates],
  ['gaps', ({ gaps }) => gaps.reduce((sum, { count }) => sum + count, 0)],
];
const STORE_COLUMNS: readonly Column[] = [
  ['unsent', ({ unsettled }) => unsettled],
  ['lost', ({ acked_but_missing }) => acked_but_missing],
];

/**
 * One row a run below the name of its gateway, and the sequences behind every number that is not as it should be. Rows
 * fit into 80 columns up to runs of 10⁸ records.
 */
export function tableOf(runs: readonly RunReport[], withStore: boolean): string {
  const columns = withStore ? [...COLUMNS, ...STORE_COLUMNS] : COLUMNS;
  const cells = runs.map((run) => columns.map(([, cell]) => String(cell(run))));
  const widths = columns.map(([title], column) =>
    Math.max(title.length, ...cells.map((row) => row[column]?.length ?? 0)),
  );
  const rowOf = (row: readonly string[]): string =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ')
      .trimEnd();
  const lines = [rowOf(columns.map(([title]) => title))];
  for (const [index, { gateway }] of runs.entries()) {
    if (gateway !== runs[index - 1]?.gateway) lines.push(`gateway ${gateway}`);
    lines.push(rowOf(cells[index] ?? []));
  }
  return [...lines, ...runs.flatMap(detailsOf)].map((line) => `${line}\n`).join('');
}

function detailsOf({ run, holes, gaps }: RunReport): string[] {
  const details = gaps.map(({ reason, ranges }) => `${run} declared gap (${reason}): ${inWords(ranges)}`);
  return holes.length === 0 ? details : [`${run} missing: ${inWords(holes)}`, ...details];
}

function inWords(ranges: readonly Range[]): string {
  const shown = ranges
    .slice(0, RANGES_SHOWN)
    .map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`));
  const hidden = ranges.length - shown.length;
  return hidden > 0 ? `${shown.join(', ')} and ${hidden} more ranges` : shown.join(', ');
}
