/** A closed range of whole numbers: both ends belong to it. */
export type Range = readonly [first: number, last: number];

/** A set that whoever holds it only asks. */
export type ReadonlyIntervalSet = Omit<IntervalSet, 'add' | 'remove'>;

/**
 * A set of whole numbers kept as sorted, disjoint, non-touching closed ranges: what is acknowledged, pending or
 * written is nearly always a few long stretches.
 */
export class IntervalSet {
  #ranges: [number, number][] = [];
  #count = 0;

  constructor(ranges: Iterable<Range> = []) {
    for (const [first, last] of ranges) this.add(first, last);
  }

  /** How many numbers are in the set. */
  get count(): number {
    return this.#count;
  }

  /** How many ranges it takes to say so. */
  get rangeCount(): number {
    return this.#ranges.length;
  }

  get isEmpty(): boolean {
    return this.#ranges.length === 0;
  }

  get first(): number | undefined {
    return this.#ranges[0]?.[0];
  }

  get last(): number | undefined {
    return this.#ranges.at(-1)?.[1];
  }

  /** The ranges in ascending order. */
  ranges(): Range[] {
    return this.#ranges.map(([first, last]) => [first, last]);
  }

  has(value: number): boolean {
    const range = this.#ranges[this.#indexOfRangeEndingAtOrAfter(value)];
    return range !== undefined && range[0] <= value;
  }

  /** The whole range that holds `value`. */
  rangeOf(value: number): Range | undefined {
    const range = this.#ranges[this.#indexOfRangeEndingAtOrAfter(value)];
    return range === undefined || range[0] > value ? undefined : [range[0], range[1]];
  }

  /** Adds `first..last`. Returns how many numbers were not yet in the set. */
  add(first: number, last: number = first): number {
    requireRange(first, last);
    const from = this.#indexOfRangeEndingAtOrAfter(first - 1);
    let to = from;
    let mergedFirst = first;
    let mergedLast = last;
    let swallowed = 0;
    for (let range = this.#ranges[to]; range !== undefined && range[0] <= last + 1; range = this.#ranges[to]) {
      mergedFirst = Math.min(mergedFirst, range[0]);
      mergedLast = Math.max(mergedLast, range[1]);
      swallowed += range[1] - range[0] + 1;
      to += 1;
    }
    this.#ranges.splice(from, to - from, [mergedFirst, mergedLast]);
    const added = mergedLast - mergedFirst + 1 - swallowed;
    this.#count += added;
    return added;
  }

  /** Removes `first..last`. Returns how many numbers were in the set before. */
  remove(first: number, last: number = first): number {
    requireRange(first, last);
    const from = this.#indexOfRangeEndingAtOrAfter(first);
    let to = from;
    let removed = 0;
    const rest: [number, number][] = [];
    for (let range = this.#ranges[to]; range !== undefined && range[0] <= last; range = this.#ranges[to]) {
      const [start, end] = range;
      if (start < first) rest.push([start, first - 1]);
      if (end > last) rest.push([last + 1, end]);
      removed += Math.min(end, last) - Math.max(start, first) + 1;
      to += 1;
    }
    this.#ranges.splice(from, to - from, ...rest);
    this.#count -= removed;
    return removed;
  }

  /** The part of `first..last` that is in the set. */
  within(first: number, last: number): Range[] {
    requireRange(first, last);
    const found: Range[] = [];
    for (let index = this.#indexOfRangeEndingAtOrAfter(first); index < this.#ranges.length; index += 1) {
      const [start, end] = this.#ranges[index] as [number, number];
      if (start > last) break;
      found.push([Math.max(start, first), Math.min(end, last)]);
    }
    return found;
  }

  /** The ranges from `first` up, in ascending order, one at a time; the one that holds `first` begins there. */
  *rangesFrom(first: number): Generator<Range, void> {
    for (let index = this.#indexOfRangeEndingAtOrAfter(first); index < this.#ranges.length; index += 1) {
      const [start, end] = this.#ranges[index] as [number, number];
      yield [Math.max(start, first), end];
    }
  }

  /** The part of `first..last` that is not in the set. */
  missing(first: number, last: number): Range[] {
    if (last < first) return [];
    const found: Range[] = [];
    let next = first;
    for (const [start, end] of this.within(first, last)) {
      if (start > next) found.push([next, start - 1]);
      next = end + 1;
    }
    if (next <= last) found.push([next, last]);
    return found;
  }

  /** True when all of `first..last` is in the set. */
  covers(first: number, last: number): boolean {
    const range = this.#ranges[this.#indexOfRangeEndingAtOrAfter(first)];
    return range !== undefined && range[0] <= first && range[1] >= last;
  }

  #indexOfRangeEndingAtOrAfter(value: number): number {
    let low = 0;
    let high = this.#ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#ranges[middle] as [number, number])[1] < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Sorted numbers → the ranges that hold exactly them. Repeats are folded. */
export function rangesOf(sorted: Iterable<number>): Range[] {
  const ranges: [number, number][] = [];
  for (const value of sorted) {
    const current = ranges.at(-1);
    if (current !== undefined && value <= current[1] + 1) current[1] = Math.max(current[1], value);
    else ranges.push([value, value]);
  }
  return ranges;
}

/** How many numbers disjoint ranges hold. */
export function countOf(ranges: Iterable<Range>): number {
  let count = 0;
  for (const [first, last] of ranges) count += last - first + 1;
  return count;
}

function requireRange(first: number, last: number): void {
  if (!(Number.isSafeInteger(first) && Number.isSafeInteger(last) && first <= last)) {
    throw new RangeError(`not a range of whole numbers: ${first}..${last}`);
  }
}
