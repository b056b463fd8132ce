import { readFile } from 'node:fs/promises';
import type { IClientOptions } from 'mqtt';
import type { BrokerClientConfig } from '../../runtime/config/broker.ts';
import { MooringError } from '../../runtime/errors.ts';

const CONNECT_TIMEOUT_MS = 10_000;

/**
 * How MQTT.js is to connect, with the files read anew, as certificates are renewed while the program runs. MQTT.js does
 * nothing by itself: no reconnecting, no queue. Throws `CONFIG_UNREADABLE`.
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
  for (const [name, path] of Object.entries(files)) {
    if (path !== undefined) Object.assign(options, { [name]: await read(path) });
  }
  if (user !== undefined) options.username = user;
  if (passwordFile !== undefined) options.password = firstLineOf(await read(passwordFile));
  return options;
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
