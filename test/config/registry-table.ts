import { METRICS } from '../../protocol/metrics.ts';
import { aligned } from './table.ts';

/** Every metric that has a name of its own, in order of number. */
export function registryTable(): string {
  const head = ['metric', 'unit', 'range', 'resolution', 'CF standard name'];
  const rows = METRICS.map(({ name, type, unit, range, resolution, cf }) => [
    `\`${name}\``,
    type === 'number' ? unit : type,
    range === undefined ? '' : `${shown(range[0])} to ${shown(range[1])}`,
    resolution === undefined ? '' : String(resolution),
    cf === undefined ? '' : `\`${cf}\``,
  ]);
  return aligned([head, ...rows]);
}

/** With commas, and a minus that is one. */
function shown(value: number): string {
  return value.toLocaleString('en-US').replace('-', '−');
}
