import { Socket } from 'node:net';
import { Client } from 'pg';
import { type Clock, withDeadline } from '../../../runtime/clock.ts';
import { MooringError } from '../../../runtime/errors.ts';
import { contentOf, secretOf } from '../http/credentials.ts';

export interface SessionOptions {
  readonly host: string;
  /** 5432 when left out. */
  readonly port?: number;
  readonly database: string;
  /** `mooring` when left out. */
  readonly user?: string;
  /** The password is its first line; none when left out. */
  readonly passwordFile?: string;
  /** PEM: the connection is encrypted, and the server has a certificate of this authority for its host. */
  readonly caFile?: string;
  /** Of the server's own work on one statement too, in milliseconds. */
  readonly deadlineMs: number;
  readonly clock: Clock;
}

export const PORT = 5432;
const USER = 'mooring';
const END_MS = 1000;
const KEEP_ALIVE_MS = 60_000;

/**
 * One connection, for one statement at a time. It has no deadline: who has waited for too long destroys it. Its own socket,
 * so that it can be let go of at any time.
 */
export class Session {
  readonly #options: SessionOptions;
  #socket: Socket | undefined;
  #client: Client | undefined;
  #isLost = false;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  /** Undefined before `open`, and once the server or the network has ended it. */
  get client(): Client | undefined {
    return this.#isLost ? undefined : this.#client;
  }

  /** Connects; throws what the driver throws, `CONFIG_UNREADABLE` or `CONFIG_INVALID`. */
  async open(): Promise<Client> {
    const { host, port = PORT, database, user = USER, passwordFile, caFile, deadlineMs } = this.#options;
    const password = passwordFile === undefined ? '' : await secretOf(passwordFile);
    const ca = caFile === undefined ? undefined : await contentOf(caFile);
    if (this.#isLost) throw new MooringError('SINK_FAILED', 'the connection was given up');
    const socket = new Socket();
    this.#socket = socket;
    const client = new Client({
      ...{ host, port, database, user, application_name: 'mooring', client_encoding: 'UTF8' },
      // A function, as the driver looks for an empty one in the environment and in files of its own.
      password: () => password,
      ssl: ca === undefined ? false : { ca, rejectUnauthorized: true },
      ...{ keepAlive: true, keepAliveInitialDelayMillis: KEEP_ALIVE_MS, stream: () => socket },
    });
    // Without a listener, an end while nobody asks would end the process.
    client.on('error', () => {
      this.#isLost = true;
    });
    client.on('end', () => {
      this.#isLost = true;
    });
    await client.connect();
    await client.query(settings(deadlineMs));
    this.#client = client;
    return client;
  }

  /** Lets go at once; what is under way rejects. */
  destroy(): void {
    this.#isLost = true;
    this.#socket?.destroy();
  }

  /** Says goodbye; for one that is idle. */
  async end(): Promise<void> {
    const late = (): Error => new MooringError('DEADLINE', 'a server did not let go');
    await withDeadline(this.#options.clock, END_MS, this.client?.end() ?? Promise.resolve(), late).catch(
      () => undefined,
    );
    this.destroy();
  }
}

/** What it depends on, whatever the server's defaults are. What nobody waits for any more must not hold rows that come again. */
function settings(deadlineMs: number): string {
  return [
    `SET TimeZone = 'UTC'`,
    `SET DateStyle = 'ISO'`,
    `SET search_path = ''`,
    `SET default_transaction_isolation = 'read committed'`,
    `SET statement_timeout = ${deadlineMs}`,
    `SET lock_timeout = ${deadlineMs}`,
    // Only where it is off: others than `on` wait for more than the disk, and are somebody's will.
    `SELECT pg_catalog.set_config('synchronous_commit', 'on', false)
      WHERE pg_catalog.current_setting('synchronous_commit') = 'off'`,
  ].join(';\n');
}
