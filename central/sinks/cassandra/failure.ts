import { errors, types } from 'cassandra-driver';

const { invalid, unauthorized, badCredentials } = types.responseErrorCodes;

/** Whether the server takes a statement for wrong as it is: for its values, its size, or what has become of the table. */
export function isInvalid(error: unknown): boolean {
  return error instanceof errors.ResponseError && error.code === invalid;
}

/** Whether who asks is not known, or may not. */
export function isRefused(error: unknown): boolean {
  return innermost(error).some(
    (each) =>
      each instanceof errors.AuthenticationError ||
      (each instanceof errors.ResponseError && (each.code === unauthorized || each.code === badCredentials)),
  );
}

/** What the driver takes for wrong before it asks anybody: a datacenter that no host is in. */
export function isMisnamed(error: unknown): boolean {
  return error instanceof errors.ArgumentError || (error instanceof Error && /localDataCenter/.test(error.message));
}

/** What the servers, the driver or the system said. */
export function reasonOf(error: unknown): string {
  const words = innermost(error).map((each) => {
    if (!(each instanceof Error)) return String(each);
    const { code } = each as { code?: unknown };
    return typeof code === 'string' ? `${code}: ${each.message}` : each.message;
  });
  return [...new Set(words)].join('; ');
}

/** Whether it is about a certificate. */
export function isAboutTls(error: unknown): boolean {
  return innermost(error).some((each) => {
    const code = (each as { code?: unknown } | undefined)?.code;
    return typeof code === 'string' && /CERT|SIGN|ALTNAME|VERIFY|ISSUER|SSL|TLS/.test(code);
  });
}

/** What each host said, where none was available. */
function innermost(error: unknown): readonly unknown[] {
  if (!(error instanceof errors.NoHostAvailableError)) return [error];
  const inner = Object.values((error.innerErrors ?? {}) as Readonly<Record<string, unknown>>);
  return inner.length === 0 ? [error] : inner;
}
