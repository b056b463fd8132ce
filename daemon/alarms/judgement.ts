/** Of a statement: true, false, or undefined where it cannot be told (S. C. Kleene's three values). */
export type Truth = boolean | undefined;

/**
 * What the newest values say. Both are false between limit and clear; both are undefined while there is no value: what is
 * missing neither raises nor clears.
 */
export interface Judgement {
  /** Whether an alarm that does not stand is to be raised. */
  readonly begins: Truth;
  /** Whether an alarm that stands is to be cleared. */
  readonly ends: Truth;
}

export const UNKNOWN: Judgement = { begins: undefined, ends: undefined };

/** Of conditions that all have to hold: it ends when one of them does. */
export function allOf(judgements: readonly Judgement[]): Judgement {
  return { begins: every(judgements.map(({ begins }) => begins)), ends: some(judgements.map(({ ends }) => ends)) };
}

/** Of conditions of which one has to hold: it ends when all of them do. */
export function anyOf(judgements: readonly Judgement[]): Judgement {
  return { begins: some(judgements.map(({ begins }) => begins)), ends: every(judgements.map(({ ends }) => ends)) };
}

function every(truths: readonly Truth[]): Truth {
  if (truths.includes(false)) return false;
  return truths.includes(undefined) ? undefined : true;
}

function some(truths: readonly Truth[]): Truth {
  if (truths.includes(true)) return true;
  return truths.includes(undefined) ? undefined : false;
}
