/** The value of c0 + c1·x + c2·x² + …, by Horner's rule. */
export function valueAt(coefficients: readonly number[], x: number): number {
  return coefficients.reduceRight((sum, coefficient) => sum * x + coefficient, 0);
}

/** Coefficients of the derivative. */
export function derivativeOf(coefficients: readonly number[]): number[] {
  return coefficients.slice(1).map((coefficient, index) => coefficient * (index + 1));
}

/**
 * Where a polynomial changes its sign in an interval, in order, each to the last bit. Between two neighbouring turning points, which
 * are such places of its derivative, it rises or falls all the way, so it changes its sign there once at the most.
 */
export function signChangesOf(coefficients: readonly number[], from: number, to: number): number[] {
  if (coefficients.length < 2) return [];
  const ends = [from, ...signChangesOf(derivativeOf(coefficients), from, to), to];
  return ends.slice(1).flatMap((end, index) => bisected(coefficients, ends[index] as number, end) ?? []);
}

function bisected(coefficients: readonly number[], from: number, to: number): number | undefined {
  const begin = Math.sign(valueAt(coefficients, from));
  if (begin * Math.sign(valueAt(coefficients, to)) >= 0) return undefined;
  let [low, high] = [from, to];
  for (;;) {
    const middle = low + (high - low) / 2;
    if (!(middle > low && middle < high)) return low;
    if (Math.sign(valueAt(coefficients, middle)) === begin) low = middle;
    else high = middle;
  }
}

/**
 * A bound of all places at which a polynomial is 0 (Cauchy 1829); beyond it, on both sides, its sign never changes. 0 where it
 * has none.
 */
export function rootBoundOf(coefficients: readonly number[]): number {
  const degree = coefficients.findLastIndex((coefficient) => coefficient !== 0);
  if (degree < 1) return 0;
  const leading = coefficients[degree] as number;
  return 1 + Math.max(...coefficients.slice(0, degree).map((coefficient) => Math.abs(coefficient / leading)));
}
