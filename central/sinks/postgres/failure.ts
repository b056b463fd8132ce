import { DatabaseError } from 'pg';

/** Of SQLSTATE: data exceptions, and integrity constraints. */
const CLASSES_OF_VALUES: readonly string[] = ['22', '23'];
const CHECK_VIOLATION = '23514';
/** A value is larger than an index or a row takes. */
const PROGRAM_LIMIT = '54000';
const UNDEFINED_TABLE = '42P01';
/** No such login, no right to do it, no such database. */
const LOGIN_OR_GRANT = /^(?:28...|42501|3D000)$/;
/** A lock that was not to be had, and a statement that took too long. */
const NOT_IN_TIME: ReadonlySet<string> = new Set(['55P03', '57014']);

/** Whether it is about some row of the statement, which as it is will never be taken. */
export function isAboutRows(error: unknown): boolean {
  if (!(error instanceof DatabaseError) || error.code === undefined) return false;
  // Without a name it is no constraint, but a partition that came or went in that moment.
  if (error.code === CHECK_VIOLATION) return error.constraint !== undefined;
  return CLASSES_OF_VALUES.includes(error.code.slice(0, 2)) || error.code === PROGRAM_LIMIT;
}

/** Whether who asks is not known, or may not, or asks for a database that is not there. */
export function isRefused(error: unknown): boolean {
  return error instanceof DatabaseError && LOGIN_OR_GRANT.test(error.code ?? '');
}

/** Whether others held what it needs, or it took too long. */
export function isLate(error: unknown): boolean {
  return error instanceof DatabaseError && NOT_IN_TIME.has(error.code ?? '');
}

/** Whether a table was dropped meanwhile. */
export function isGone(error: unknown): boolean {
  return error instanceof DatabaseError && error.code === UNDEFINED_TABLE;
}

/** What the server or the system said, without the statement. */
export function reasonOf(error: unknown): string {
  if (error instanceof DatabaseError) return `${error.message} (${error.code ?? 'no SQLSTATE'})`;
  if (!(error instanceof Error)) return String(error);
  const { code } = error as NodeJS.ErrnoException;
  return code === undefined ? error.message : `${code}: ${error.message}`;
}

/** What to look at, by what was said. */
export function hintOn(error: unknown, origin: string): string {
  if (isRefused(error))
    return 'Check the database, the user, its password file and what it owns; docs/stores/postgres.md has it.';
  if (error instanceof DatabaseError) return 'See what the log of PostgreSQL says.';
  const said = error instanceof Error ? `${(error as NodeJS.ErrnoException).code} ${error.message}` : '';
  const isTls = /CERT|SIGN|ALTNAME|VERIFY|ISSUER|SSL|TLS/.test(said);
  return `See that ${origin} is up and can be reached from here${isTls ? ', that it speaks TLS, and that `ca` is the authority of its certificate' : ''}.`;
}
