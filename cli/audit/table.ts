import { countOf, type Range } from '../../protocol/intervals.ts';
import type { RunReport } from './ledger.ts';

const RANGES_SHOWN = 8;

/** One row a run, and the sequences behind every number that is not as it should be. */
export function tableOf(runs: readonly RunReport[], withStore: boolean): string {
  const columns: readonly [title: string, cell: (run: RunReport) => string][] = [
    ['run', ({ run }) => run],
    ['gateway', ({ gateway }) => gateway],
    ['first', ({ first }) => String(first ?? '-')],
    ['last', ({ last }) => String(last ?? '-')],
    ['records', ({ records }) => String(records)],
    ['holes', ({ holes }) => String(countOf(holes))],
    ['duplicates', ({ duplicates }) => String(duplicates)],
    ['declared gaps', ({ gaps }) => String(gaps.reduce((sum, { count }) => sum + count, 0))],
    ...(withStore ? STORE_COLUMNS : []),
  ];
  const rows = [columns.map(([title]) => title), ...runs.map((run) => columns.map(([, cell]) => cell(run)))];
  const widths = columns.map((_, column) => Math.max(...rows.map((row) => (row[column] as string).length)));
  const isText = (column: number): boolean => column < 2;
  const lines = rows.map((row) =>
    row
      .map((cell, column) => (isText(column) ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
  return [...lines, ...runs.flatMap(detailsOf)].map((line) => `${line}\n`).join('');
}

const STORE_COLUMNS: readonly [string, (run: RunReport) => string][] = [
  ['unsettled', ({ unsettled }) => String(unsettled)],
  ['acked but missing', ({ acked_but_missing }) => String(acked_but_missing)],
];

function detailsOf({ run, holes, gaps }: RunReport): string[] {
  const details = gaps.map(({ reason, ranges }) => `${run} declared gap (${reason}): ${inWords(ranges)}`);
  return holes.length === 0 ? details : [`${run} holes: ${inWords(holes)}`, ...details];
}

function inWords(ranges: readonly Range[]): string {
  const shown = ranges
    .slice(0, RANGES_SHOWN)
    .map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`));
  const hidden = ranges.length - shown.length;
  return hidden > 0 ? `${shown.join(', ')} and ${hidden} more ranges` : shown.join(', ');
}
