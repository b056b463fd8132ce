import { MooringError } from '../errors.ts';

/** One thing that is wrong with a configuration file. */
export interface Problem {
  /** The file as it was named. */
  readonly file: string;
  /** Counted from 1; 0 where the file as a whole is meant. */
  readonly line: number;
  readonly column: number;
  /** Where in the tree: `stations[0].sensors[1].driver`. */
  readonly key: string;
  /** What is wrong, without a full stop. Never shows a value that may be a secret. */
  readonly message: string;
  /** What to do about it, whole sentences; '' where nothing can be said. */
  readonly hint: string;
}

/** `FILE:LINE:COL key: what is wrong. Hint.` */
export function formatProblem({ file, line, column, key, message, hint }: Problem): string {
  const place = line === 0 ? `${file}:` : `${file}:${line}:${column} ${key}:`;
  return `${place} ${message}.${hint === '' ? '' : ` ${hint}`}`;
}

/** `CONFIG_INVALID` with every problem of the file, in the order of their places in it. */
export function configInvalid(file: string, problems: readonly Problem[]): MooringError {
  const ordered = problems.toSorted((a, b) => a.line - b.line || a.column - b.column);
  const count = ordered.length === 1 ? 'one error' : `${ordered.length} errors`;
  return new MooringError('CONFIG_INVALID', `the configuration has ${count}`, {
    context: { file, problems: ordered },
    hint: `Run: mooring check ${file}`,
  });
}

/** The problems that a `CONFIG_INVALID` about a whole file carries; none for any other error. */
export function problemsOf(error: unknown): readonly Problem[] {
  if (!(error instanceof MooringError) || error.code !== 'CONFIG_INVALID') return [];
  return (error.context.problems as readonly Problem[] | undefined) ?? [];
}
