import { formatProblem, problemsOf } from '../runtime/config/problem.ts';
import { type ErrorCode, MooringError } from '../runtime/errors.ts';

/** Exit statuses that mean the same for every verb. */
export const EXIT = { ok: 0, failure: 1, usage: 2, inUse: 3, notRunning: 4 } as const;

const STATUSES: Partial<Record<ErrorCode, number>> = {
  CONFIG_INVALID: EXIT.usage,
  CONFIG_UNREADABLE: EXIT.usage,
  STORE_OTHER_GATEWAY: EXIT.usage,
  STORE_IN_USE: EXIT.inUse,
  LOCK_HELD: EXIT.inUse,
  NOT_RUNNING: EXIT.notRunning,
};

/** The exit status that an operating error ends a verb with. */
export function statusOf(error: MooringError): number {
  return STATUSES[error.code] ?? EXIT.failure;
}

/**
 * An operating error for people: every problem of a configuration on its own line, anything else as one line with what
 * is known, why, and what to do about it. Where a bug is behind it, its stack follows.
 */
export function linesOf(error: MooringError): string {
  const problems = problemsOf(error);
  if (problems.length > 0) return problems.map((problem) => `${formatProblem(problem)}\n`).join('');
  const known = Object.entries(error.context).filter(([, value]) => ['string', 'number'].includes(typeof value));
  const context = known.length === 0 ? '' : ` (${known.map(([key, value]) => `${key}: ${value}`).join(', ')})`;
  const hint = error.hint === undefined ? '' : ` ${error.hint}`;
  return `mooring: ${error.message}${context}${reasonOf(error)}.${hint}\n`.replaceAll(/\n(?!$)/g, ' ') + stackOf(error);
}

const BUGS = new Set(['AssertionError', 'TypeError', 'RangeError', 'ReferenceError', 'SyntaxError']);

/** A bug in another thread arrives as the cause of an operating error: its stack is what helps. */
function stackOf({ cause }: MooringError): string {
  return cause instanceof Error && BUGS.has(cause.name) ? `${cause.stack}\n` : '';
}

/** Why, where that is not said already: that a lock is held is what a store in use is. */
function reasonOf({ cause }: MooringError): string {
  if (cause instanceof MooringError && cause.code === 'LOCK_HELD') return '';
  return cause instanceof Error && cause.message !== '' ? `: ${cause.message}` : '';
}

/** The operating error in whatever a stop that went wrong has wrapped around it; undefined where there is a bug. */
export function operatingErrorOf(error: unknown): MooringError | undefined {
  if (error instanceof MooringError) return error;
  return error instanceof SuppressedError ? operatingErrorOf(error.suppressed) : undefined;
}
