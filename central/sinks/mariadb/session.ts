import { connect, isIP, type Socket } from 'node:net';
import { type Connection, createConnection } from 'mariadb';
import { type Clock, withDeadline } from '../../../runtime/clock.ts';
import { MooringError } from '../../../runtime/errors.ts';
import { contentOf, secretOf } from '../http/credentials.ts';

export interface SessionOptions {
  readonly host: string;
  /** 3306 when left out. */
  readonly port?: number;
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

const PORT = 3306;
const USER = 'mooring';
const END_MS = 1000;
const KEEP_ALIVE_MS = 60_000;
/** Strict, and with backslash escapes: whatever the server's default is, nothing is cut off or put right in silence. */
const SQL_MODE = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION';

/**
 * One connection, for one statement at a time. It has no deadline: who has waited for too long destroys it. Its own socket, as the driver's `destroy` leaves one open to a server that does not answer.
 */
export class Session {
  readonly #options: SessionOptions;
  #socket: Socket | undefined;
  #connection: Connection | undefined;
  #isLost = false;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  /** Undefined before `open`. */
  get connection(): Connection | undefined {
    return this.#connection;
  }

  /** False once the server or the network has ended it. */
  get isUsable(): boolean {
    return !this.#isLost && this.#connection?.isValid() === true;
  }

  /** Connects; throws what the driver throws, `CONFIG_UNREADABLE` or `CONFIG_INVALID`. */
  async open(): Promise<Connection> {
    const { host, port = PORT, user = USER, passwordFile, caFile, deadlineMs } = this.#options;
    const password = passwordFile === undefined ? undefined : await secretOf(passwordFile);
    const ca = caFile === undefined ? undefined : await contentOf(caFile);
    if (this.#isLost) throw new MooringError('SINK_FAILED', 'the connection was given up');
    const socket = connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS });
    this.#socket = socket;
    const seconds = Math.max(1, Math.ceil(deadlineMs / 1000));
    const connection = await createConnection({
      ...{ host, port, user, charset: 'utf8mb4', connectTimeout: 0 },
      ...(password === undefined ? {} : { password }),
      ...(ca === undefined ? {} : { ssl: tlsOf(host, ca) }),
      stream: (callback) => callback(undefined, socket),
      initSql: [
        // A server may ignore what the handshake says of it.
        'SET NAMES utf8mb4',
        // What nobody waits for any more must not hold rows that come again.
        `SET SESSION sql_mode = '${SQL_MODE}', time_zone = '+00:00', autocommit = 1,
          max_statement_time = ${seconds}, innodb_lock_wait_timeout = ${seconds}`,
      ],
      ...{ bigIntAsNumber: true, autoJsonMap: false, permitLocalInfile: false, logParam: false },
    });
    // Without a listener, an end while nobody asks would end the process.
    connection.on('error', () => {
      this.#isLost = true;
    });
    this.#connection = connection;
    return connection;
  }

  /**
   * Lets go at once. What is under way is left, and may never settle: told of an error here, the driver takes the
   * listeners off a TLS socket that is about to emit it.
   */
  destroy(): void {
    this.#isLost = true;
    this.#socket?.destroy();
  }

  /** Says goodbye, so that the server's log tells of no aborted connection; for one that is idle. */
  async end(): Promise<void> {
    const late = (): Error => new MooringError('DEADLINE', 'a server did not let go');
    await withDeadline(this.#options.clock, END_MS, this.#connection?.end() ?? Promise.resolve(), late).catch(
      () => undefined,
    );
    this.destroy();
  }
}

/** The driver hands these to Node as they are, which has no other way to know the host of a socket that exists. */
function tlsOf(host: string, ca: Buffer): { readonly ca: Buffer; readonly rejectUnauthorized: true } {
  const names = { host, ...(isIP(host) === 0 ? { servername: host } : {}) };
  return { ...names, ca, rejectUnauthorized: true };
}
