/** What a ratio has to be; where it may be anything, there is no goal. */
export type Goal = { readonly atLeast: number } | { readonly atMost: number };

/** One measured value, beside what it cannot be better than, or what doing nothing costs, measured in the same run. */
export interface Figure {
  /** `what/variant`, for ever: what follows a figure over time finds it by this. */
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** In the same unit; absent where the figure is a limit itself. */
  readonly limit?: number;
  readonly goal?: Goal;
}

/** Some figures that are measured together. */
export interface Benchmark {
  /** As it is asked for on the command line. */
  readonly name: string;
  /** What is measured and what the limit is, for the reader of the table. A line each. */
  readonly about: readonly string[];
  /** Only where it is named: it starts what is heavy. */
  readonly isOnRequest?: boolean;
  /** What of it can be measured alone: `NAME/PART` on the command line. */
  readonly parts?: readonly string[];
  /** Throws when something that it needs is not there, or does not hold: a figure of a broken path is none. */
  run(bench: Bench): Promise<readonly Figure[]>;
}

/** What a benchmark is given. */
export interface Bench {
  /** An empty folder on a disk; removed afterwards. */
  readonly folder: string;
  /** What is asked for of a benchmark that has parts. */
  readonly parts: readonly string[];
  /** What is going on, for somebody who waits. */
  readonly say: (text: string) => void;
}

/** A figure as it is printed for programs: an object a line. Keys are added, never renamed. */
export interface FigureLine {
  readonly figure: string;
  readonly value: number;
  readonly unit: string;
  readonly limit: number | null;
  /** Value to limit. */
  readonly ratio: number | null;
  readonly goal: number | null;
  /** False when there is a goal and it was missed. */
  readonly ok: boolean;
}

const DIGITS = 5;

export function lineOf({ name, value, unit, limit, goal }: Figure): FigureLine {
  const ratio = limit === undefined ? null : value / limit;
  return {
    figure: name,
    value: rounded(value),
    unit,
    limit: limit === undefined ? null : rounded(limit),
    ratio: ratio === null ? null : rounded(ratio),
    goal: goal === undefined ? null : 'atLeast' in goal ? goal.atLeast : goal.atMost,
    ok: goal === undefined || meets(ratio, goal),
  };
}

/** A ratio that is not there, or is no number, meets no goal. */
function meets(ratio: number | null, goal: Goal): boolean {
  if (ratio === null) return false;
  return 'atLeast' in goal ? ratio >= goal.atLeast : ratio <= goal.atMost;
}

function rounded(value: number): number {
  return Number(value.toPrecision(DIGITS));
}
