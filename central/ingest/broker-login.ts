import { readFile } from 'node:fs/promises';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import type { IClientOptions } from 'mqtt';
import type { BrokerClientConfig } from '../../runtime/config/broker.ts';
import { MooringError } from '../../runtime/errors.ts';

const CONNECT_TIMEOUT_MS = 10_000;

/**
 * How MQTT.js is to connect, with the files read anew, as certificates are renewed while the program runs. MQTT.js does
 * nothing by itself: no reconnecting, no queue. Throws `CONFIG_UNREADABLE` or
 * `CONFIG_INVALID`.
 */
export async function loginOf(config: BrokerClientConfig): Promise<IClientOptions> {
  const { caFile, certFile, keyFile, user, passwordFile } = config;
  const files = { ca: caFile, cert: certFile, key: keyFile };
  const options: IClientOptions = {
    protocolVersion: 4,
    clean: true,
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
    // Acks that go out must not hide that nothing comes in.
    reschedulePings: false,
    connectTimeout: CONNECT_TIMEOUT_MS,
  };
  const identity: SecureContextOptions = {};
  for (const [name, path] of Object.entries(files)) {
    if (path !== undefined) Object.assign(identity, { [name]: await read(path) });
  }
  requireUsable(identity);
  Object.assign(options, identity);
  if (user !== undefined) options.username = user;
  if (passwordFile !== undefined) options.password = firstLineOf(await read(passwordFile));
  return options;
}

/** Before MQTT.js meets them: what it throws then is no error of a connection. */
function requireUsable(identity: SecureContextOptions): void {
  try {
    createSecureContext(identity);
  } catch (cause) {
    throw new MooringError('CONFIG_INVALID', 'a certificate of the connection, or its key, cannot be used', { cause });
  }
}

async function read(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new MooringError('CONFIG_UNREADABLE', 'a file of the connection cannot be read', {
      cause,
      context: { path },
    });
  }
}

function firstLineOf(bytes: Buffer): string {
  return bytes.toString('utf8').split(/\r?\n/, 1)[0] as string;
}
