import { z } from 'zod';
import type { Path } from '../../../runtime/config/document.ts';
import type { ConfigReader } from '../../../runtime/config/reader.ts';
import { pattern } from '../../../runtime/config/values.ts';
import { checkSecret } from '../secrets.ts';

/** The keys of a sink's connection, which stand beside its kind. */
export interface ConnectionKeys {
  readonly ca?: string | undefined;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
}

const NAME_MAX = 128;

/** A name in a store. */
export const storeName = () => z.string().min(1).max(NAME_MAX);

export const PORT_MAX = 65_535;

/** A machine, by name or address. */
export const hostName = () =>
  pattern(/^[A-Za-z0-9._:-]{1,253}$/, 'the name or the address of a machine', 'Write it alone: db.example, 10.0.0.5.');

/** Where a store listens over HTTP, without anything that belongs into keys or files of its own. */
export const storeUrl = () =>
  z
    .string()
    .refine((url) => urlOf(url) !== undefined, { error: 'is not the URL of a store', abort: true })
    .refine((url) => urlOf(url)?.password === '', { error: 'holds a password', abort: true })
    .refine((url) => urlOf(url)?.username === '', { error: 'holds a user name', abort: true })
    .refine((url) => urlOf(url)?.search === '' && urlOf(url)?.hash === '', {
      error: 'has more than scheme, host, port and path',
    })
    .meta({
      hint: 'Write http://HOST:PORT or https://HOST:PORT; a user goes into `user`, the name of a file with the password into `password`.',
      kind: 'url',
      pattern: '^https?://[^@?#]+$',
    });

function urlOf(text: string): URL | undefined {
  const url = URL.parse(text);
  return url !== null && /^https?:$/.test(url.protocol) && url.hostname !== '' ? url : undefined;
}

/** User and file of the password, where both are there. */
export function loginOf({ user, password }: ConnectionKeys): {
  readonly user?: string;
  readonly passwordFile?: string;
} {
  return user === undefined || password === undefined ? {} : { user, passwordFile: password };
}

/** Certificates in the place of the system's, where they are there. */
export function caOf({ ca }: ConnectionKeys): { readonly caFile?: string } {
  return ca === undefined ? {} : { caFile: ca };
}

/** Reports half of a login, and a password that is everybody's. `mayStandAlone`: a user needs no password. */
export function checkLogin(reader: ConfigReader, sink: Path, { mayStandAlone = false } = {}): void {
  const has = (key: string): boolean => reader.valueAt([...sink, key]) !== undefined;
  for (const [one, other] of [
    ['password', 'user'],
    ['user', 'password'],
  ] as const) {
    if (has(one) && !has(other) && !(one === 'user' && mayStandAlone)) {
      reader.report([...sink, one], 'key', `stands without \`${other}\``, `Add \`${other}\`, or remove it.`);
    }
  }
  checkSecret(reader, [...sink, 'password']);
}

/** Reports certificates for a store that is reached without TLS. */
export function checkCaOfUrl(reader: ConfigReader, sink: Path, kind: string): void {
  const url = reader.valueAt([...sink, kind, 'url']);
  if (reader.valueAt([...sink, 'ca']) === undefined || typeof url !== 'string' || !url.startsWith('http://')) return;
  reader.report([...sink, 'ca'], 'key', 'has no effect without TLS', 'Write `https://` in `url`, or remove it.');
}
