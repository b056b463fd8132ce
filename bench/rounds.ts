/** The middle one; between the middle two where their number is even. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)] as number;
  return Number.isInteger(middle) ? ((sorted[middle - 1] as number) + upper) / 2 : upper;
}

/**
 * Measures two sides in turn, A B B A A B …, so that what else the machine does falls on both alike; each side warms up
 * once. Returns the median of each.
 */
export async function inTurn(
  rounds: number,
  a: () => Promise<number>,
  b: () => Promise<number>,
): Promise<readonly [a: number, b: number]> {
  await a();
  await b();
  const [ofA, ofB]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round += 1) {
    const isForwards = round % 2 === 0;
    if (isForwards) ofA.push(await a());
    ofB.push(await b());
    if (!isForwards) ofA.push(await a());
  }
  return [median(ofA), median(ofB)];
}
