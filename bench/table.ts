import type { Figure, FigureLine } from './figure.ts';

const WIDTHS = { name: 34, value: 11, unit: 16, limit: 11, ratio: 8 } as const;

export function headline(): string {
  return row(['figure', 'value', 'unit', 'limit', 'ratio', 'goal']);
}

/** A figure for people, with its verdict where it has a goal. */
export function tableRow({ goal }: Figure, line: FigureLine): string {
  const wanted = goal === undefined ? '' : 'atLeast' in goal ? `≥ ${goal.atLeast}` : `≤ ${goal.atMost}`;
  const verdict = goal === undefined ? '' : line.ok ? '  met' : '  MISSED';
  return row([line.figure, digits(line.value), line.unit, digits(line.limit), digits(line.ratio), wanted + verdict]);
}

function row([name = '', value = '', unit = '', limit = '', ratio = '', goal = '']: readonly string[]): string {
  const cells = [
    name.padEnd(WIDTHS.name),
    value.padStart(WIDTHS.value),
    unit.padEnd(WIDTHS.unit),
    limit.padStart(WIDTHS.limit),
    ratio.padStart(WIDTHS.ratio),
    goal,
  ];
  return cells.join('  ').trimEnd();
}

/** Three digits are more than the noise of a shared machine leaves. */
function digits(value: number | null): string {
  if (value === null) return '–';
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en').replaceAll(',', ' ');
  return String(Number(value.toPrecision(3)));
}
