import { Client, policies, types } from 'cassandra-driver';
import { contentOf, secretOf } from '../http/credentials.ts';

export interface ClientOptions {
  /** `host` or `host:port` of some servers of the cluster; the others are found. All have the port of the first. */
  readonly hosts: readonly string[];
  /** The one to talk to, as the cluster calls it. */
  readonly datacenter: string;
  readonly user?: string;
  /** The password is its first line. */
  readonly passwordFile?: string;
  /** PEM: connections are encrypted, and each server has a certificate of this authority for its address. */
  readonly caFile?: string;
  readonly deadlineMs: number;
}

const PORT = 9042;
/** A request that a host does not answer goes to the next one, so many times within the deadline. */
const HOSTS_WITHIN_DEADLINE = 3;
const RECONNECT_MS = { first: 500, longest: 5000 } as const;
const HEARTBEAT_MS = 10_000;

/**
 * A client that is not connected yet. Every statement of it may be repeated, so that one that a host does not answer is
 * asked of the next. Throws `CONFIG_UNREADABLE` or `CONFIG_INVALID` for its files.
 */
export async function clientOf(options: ClientOptions): Promise<Client> {
  const { hosts, datacenter, user, passwordFile, caFile, deadlineMs } = options;
  const password = passwordFile === undefined ? undefined : await secretOf(passwordFile);
  const ca = caFile === undefined ? undefined : await contentOf(caFile);
  const timeoutMs = Math.ceil(deadlineMs / HOSTS_WITHIN_DEADLINE);
  return new Client({
    contactPoints: [...hosts],
    localDataCenter: datacenter,
    protocolOptions: { port: portOf(hosts) },
    ...(user === undefined || password === undefined ? {} : { credentials: { username: user, password } }),
    // The driver believes any certificate unless it is told otherwise.
    ...(ca === undefined ? {} : { sslOptions: { ca: [ca], rejectUnauthorized: true } }),
    policies: {
      reconnection: new policies.reconnection.ExponentialReconnectionPolicy(RECONNECT_MS.first, RECONNECT_MS.longest),
    },
    pooling: { heartBeatInterval: HEARTBEAT_MS },
    socketOptions: { connectTimeout: timeoutMs, readTimeout: timeoutMs },
    queryOptions: { consistency: types.consistencies.localQuorum, isIdempotent: true },
    // One that is hung would hold up all.
    prepareOnAllHosts: false,
  });
}

function portOf([first = '']: readonly string[]): number {
  const [, port] = /:(\d+)$/.exec(first) ?? [];
  return port === undefined ? PORT : Number(port);
}
