/** The middle one; between the middle two where their number is even. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)] as number;
  return Number.isInteger(middle) ? ((sorted[middle - 1] as number) + upper) / 2 : upper;
}

/** The smallest value that so large a part of all does not exceed. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] as number;
}

/** Turns before those that count, as a part of these: compilers, caches and the length of log files settle. */
const WARM_UP_PART = 1 / 5;

/**
 * Measures two sides in turn, A B B A A B …, so that what else the machine does falls on both alike: the shorter a turn,
 * the better. Returns the median of each, after a warm-up.
 */
export async function inTurn(
  turns: number,
  a: () => Promise<number>,
  b: () => Promise<number>,
): Promise<readonly [a: number, b: number]> {
  const [ofA = [], ofB = []] = await turnsOf(turns, [a, b]);
  return [median(ofA), median(ofB)];
}

/**
 * The same for any number of sides, A B C C B A A B C …: what each turn of each side gave, after a warm-up.
 * @param isLate whether no further turn is to begin, as time is short: each side has one that counts all the same
 */
export async function turnsOf<T>(
  turns: number,
  sides: readonly (() => Promise<T>)[],
  isLate: () => boolean = () => false,
): Promise<readonly T[][]> {
  const found = sides.map(() => [] as T[]);
  const warmUps = Math.ceil(turns * WARM_UP_PART);
  for (let turn = -warmUps; turn < turns; turn += 1) {
    if (turn > 0 && isLate()) break;
    const order = [...sides.entries()];
    for (const [index, side] of turn % 2 === 0 ? order : order.reverse()) {
      const one = await side();
      if (turn >= 0) found[index]?.push(one);
    }
  }
  return found;
}
