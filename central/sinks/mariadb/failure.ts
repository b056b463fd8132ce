import { SqlError } from 'mariadb';

/** `WARN_DATA_TRUNCATED` and `ER_TRUNCATED_WRONG_VALUE_FOR_FIELD`, which some versions put into no class of their own. */
const ABOUT_A_VALUE: ReadonlySet<number> = new Set([1265, 1366]);
/** Of SQLSTATE: data exceptions, and integrity constraints. */
const CLASSES_OF_VALUES: readonly string[] = ['22', '23'];
/** Access denied: to the server, the database, the table, a column, with or without a password; the host, the plug-in. */
const LOGIN_OR_GRANT: ReadonlySet<number> = new Set([1044, 1045, 1130, 1142, 1143, 1227, 1251, 1698]);

/** Whether it is about some row of the statement, which as it is will never be taken. */
export function isAboutRows(error: unknown): boolean {
  if (!(error instanceof SqlError) || error.fatal) return false;
  return CLASSES_OF_VALUES.includes(error.sqlState?.slice(0, 2) ?? '') || ABOUT_A_VALUE.has(error.errno);
}

/** Whether who asks is not known, or may not. */
export function isRefused(error: unknown): boolean {
  return error instanceof SqlError && LOGIN_OR_GRANT.has(error.errno);
}

/** What the server or the system said, without the statement. */
export function reasonOf(error: unknown): string {
  if (error instanceof SqlError) return `${error.sqlMessage ?? error.code} (${error.errno})`;
  if (!(error instanceof Error)) return String(error);
  const { code } = error as NodeJS.ErrnoException;
  return code === undefined ? error.message : `${code}: ${error.message}`;
}

/** What to look at, by what was said. */
export function hintOn(error: unknown, origin: string): string {
  if (isRefused(error))
    return 'Check the user, its password file and what it was granted; docs/stores/mariadb.md has it.';
  if (error instanceof SqlError && error.errno > 0 && !error.fatal) return 'See what the log of MariaDB says.';
  const code = (error as { code?: unknown } | undefined)?.code;
  const isTls = typeof code === 'string' && /CERT|SIGN|ALTNAME|VERIFY|ISSUER|SSL|TLS/.test(code);
  return `See that ${origin} is up and can be reached from here${isTls ? ', and that `ca` is the authority of its certificate' : ''}.`;
}
