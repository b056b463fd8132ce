import { readFile } from 'node:fs/promises';
import { MooringError } from '../../../runtime/errors.ts';

/** How a client says who it is. Secrets are the first line of a file. */
export type HttpLogin =
  | { readonly user: string; readonly passwordFile: string }
  /** `scheme` stands before the token: `Token`, `Bearer`, `ApiKey`. */
  | { readonly scheme: string; readonly tokenFile: string };

/** The `authorization` header. Throws `CONFIG_UNREADABLE`. */
export async function authorizationOf(login: HttpLogin): Promise<string> {
  if ('tokenFile' in login) return `${login.scheme} ${await secretOf(login.tokenFile)}`;
  const pair = `${login.user}:${await secretOf(login.passwordFile)}`;
  return `Basic ${Buffer.from(pair, 'utf8').toString('base64')}`;
}

/** The content of a file. Throws `CONFIG_UNREADABLE`. */
export async function contentOf(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new MooringError('CONFIG_UNREADABLE', 'a file of the connection cannot be read', {
      cause,
      context: { path },
      hint: `See that ${path} is there and that this user may read it.`,
    });
  }
}

/** The first line of a file. Throws `CONFIG_UNREADABLE`, or `CONFIG_INVALID` where it is no printable text. */
export async function secretOf(path: string): Promise<string> {
  const [line = ''] = (await contentOf(path)).toString('utf8').split(/\r?\n/, 1);
  // Anything else has no place in a header, and the error of a client would show it.
  if (/^[\x20-\x7e\u00a0-\uffff]+$/.test(line)) return line;
  throw new MooringError('CONFIG_INVALID', 'a file of the connection has no secret in its first line', {
    context: { path },
    hint: `Write the password or token into the first line of ${path}, as printable text.`,
  });
}
