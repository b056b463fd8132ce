import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import type { BrokerClientConfig } from './config/broker.ts';
import { MooringError } from './errors.ts';

/** What a client shows to a broker, and by what it knows the broker; the names are those of Node's TLS and of MQTT.js. */
export interface BrokerLogin {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
  readonly username?: string;
  readonly password?: string;
}

/**
 * Reads the files of a connection, anew at each connecting, as certificates are renewed while a program runs.
 * Throws `CONFIG_UNREADABLE`, or `CONFIG_INVALID` for a certificate or key that TLS cannot use.
 */
export async function readBrokerLogin(config: BrokerClientConfig): Promise<BrokerLogin> {
  const { caFile, certFile, keyFile, user, passwordFile } = config;
  const [ca, cert, key, password] = await Promise.all([caFile, certFile, keyFile, passwordFile].map(contentOf));
  const identity = {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
  requireUsable(identity);
  return {
    ...identity,
    ...(user === undefined ? {} : { username: user }),
    ...(password === undefined ? {} : { password: firstLineOf(password) }),
  };
}

/** Before a library meets them: what it throws then is no error of a connection. */
function requireUsable(identity: Pick<BrokerLogin, 'ca' | 'cert' | 'key'>): void {
  try {
    createSecureContext(identity);
  } catch (cause) {
    const hint = 'Certificates and keys are PEM files, and the key belongs to the certificate.';
    throw new MooringError('CONFIG_INVALID', 'a certificate of the connection, or its key, cannot be used', {
      cause,
      hint,
    });
  }
}

async function contentOf(path: string | undefined): Promise<Buffer | undefined> {
  if (path === undefined) return undefined;
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

function firstLineOf(content: Buffer): string {
  return content.toString('utf8').split(/\r?\n/, 1)[0] as string;
}
