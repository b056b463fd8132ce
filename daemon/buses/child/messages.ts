import { getSystemErrorName } from 'node:util';

/**
 * What passes between the daemon and a child of its buses: one question, then its answer, in JSON. Never two questions at
 * once, so nothing has to be numbered.
 */
export type Reply<Answer> = { readonly answer: Answer } | { readonly failure: Failure };

/** An error of the system, as far as it can be told to another process. */
export interface Failure {
  readonly code: string;
  readonly message: string;
}

/**
 * The system's code of an error; undefined where it is none of the system's. By its number, because not every part of Node
 * knows the name of every errno (EREMOTEIO).
 */
export function systemCodeOf(error: unknown): string | undefined {
  const { errno, code } = error as NodeJS.ErrnoException;
  if (typeof errno === 'number') return getSystemErrorName(-Math.abs(errno));
  return typeof code === 'string' && !code.startsWith('ERR_') ? code : undefined;
}

/** Node's kind of error with the system's `code`. */
export function systemError({ code, message }: Failure): Error {
  return Object.assign(new Error(message), { code });
}
