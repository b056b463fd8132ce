import type { Range } from '../../protocol/intervals.ts';

/** Sorted, disjoint ranges → the part that is in none of `others`, which are sorted and disjoint too. Linear. */
export function subtract(ranges: readonly Range[], others: readonly Range[]): Range[] {
  const rest: Range[] = [];
  let index = 0;
  for (const [first, last] of ranges) {
    let next = first;
    while ((others[index]?.[1] ?? Number.POSITIVE_INFINITY) < first) index += 1;
    for (let at = index; next <= last; at += 1) {
      const other = others[at];
      if (other === undefined || other[0] > last) {
        rest.push([next, last]);
        break;
      }
      if (other[0] > next) rest.push([next, other[0] - 1]);
      next = Math.max(next, other[1] + 1);
    }
  }
  return rest;
}

/** Sorted, disjoint ranges → the part that is also in `others`. Linear. */
export function intersect(ranges: readonly Range[], others: readonly Range[]): Range[] {
  return subtract(ranges, subtract(ranges, others));
}

/** Every range, moved by `offset`. */
export function shifted(ranges: readonly Range[], offset: number): Range[] {
  return ranges.map(([first, last]) => [first + offset, last + offset]);
}
