import type { Connection } from 'mariadb';
import type { Clock } from '../../../runtime/clock.ts';
import { MooringError } from '../../../runtime/errors.ts';
import type { RefusedRecord, RemoteStore, StoreRecord } from '../remote/remote-store.ts';
import { Unwritable } from '../remote/unwritable.ts';
import { hintOn, isAboutRows, isRefused, reasonOf } from './failure.ts';
import { foundTable } from './found-table.ts';
import { ROW_COLUMNS, rowOf } from './row.ts';
import { Session, type SessionOptions } from './session.ts';
import { checkTable, createTable, quotedName } from './table.ts';

export interface MariadbStoreOptions extends Omit<SessionOptions, 'deadlineMs'> {
  readonly name: string;
  readonly database: string;
  readonly table: string;
  /** Of `open` and of each `write` as a whole, in milliseconds; 10,000 when left out. */
  readonly deadlineMs?: number;
  readonly clock: Clock;
}

interface Row {
  readonly index: number;
  readonly text: string;
  readonly bytes: number;
}

const DEADLINE_MS = 10_000;
/** Of one statement, in bytes: a longer one is no faster, and the driver has bounds of its own. */
const STATEMENT_BYTES_MAX = 8 * 2 ** 20;
/** What a packet has beside the statement, and then some, in bytes. */
const PACKET_SLACK = 1024;
const COLUMN_NAMES = ROW_COLUMNS.map((name) => quotedName(name)).join(',');

/** MariaDB: a record is a row under its id, however often it comes. */
export class MariadbStore implements RemoteStore {
  readonly name: string;
  readonly #options: MariadbStoreOptions & SessionOptions;
  readonly #table: string;
  #session: Session | undefined;
  /** Largest packet that the server takes from this session, in bytes. */
  #packetBytesMax = 0;
  /** Ends what is under way. */
  #cut: ((reason: unknown) => void) | undefined;
  #isClosed = false;

  constructor(options: MariadbStoreOptions) {
    this.name = options.name;
    this.#options = { ...options, deadlineMs: options.deadlineMs ?? DEADLINE_MS };
    this.#table = quotedName(options.database, options.table);
  }

  async open(signal: AbortSignal): Promise<void> {
    try {
      await this.#within((connection) => this.#prepare(connection), signal);
    } catch (error) {
      if (signal.aborted && error === signal.reason) throw error;
      throw this.#openFailure(error);
    }
  }

  async write(records: readonly StoreRecord[]): Promise<readonly RefusedRecord[]> {
    try {
      return await this.#within((connection) => this.#insertAll(connection, records));
    } catch (error) {
      throw this.#failure(error, 'MariaDB does not take records');
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cut?.(new MooringError('SINK_FAILED', 'the connection was let go', { context: this.#context() }));
    await this.#session?.end();
    this.#session = undefined;
  }

  /** Work on a connection that is there, under one deadline. Whatever it fails of, the next has a new connection. */
  async #within<T>(work: (connection: Connection) => Promise<T>, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted();
    if (this.#isClosed) throw new MooringError('SINK_FAILED', 'the store is closed', { context: this.#context() });
    const { clock, deadlineMs } = this.#options;
    const cut = Promise.withResolvers<never>();
    this.#cut = cut.reject;
    const reason = `no answer within ${deadlineMs} ms`;
    const late = (): Error =>
      new MooringError('DEADLINE', 'MariaDB does not answer', { context: { ...this.#context(), reason } });
    const cancel = clock.after(deadlineMs, () => cut.reject(late()));
    const abort = (): void => cut.reject(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    try {
      return await Promise.race([cut.promise, this.#connected().then(work)]);
    } catch (error) {
      this.#session?.destroy();
      this.#session = undefined;
      throw error;
    } finally {
      this.#cut = undefined;
      cancel();
      signal?.removeEventListener('abort', abort);
    }
  }

  async #connected(): Promise<Connection> {
    if (this.#session?.isUsable === true && this.#session.connection !== undefined) return this.#session.connection;
    this.#session?.destroy();
    const session = new Session(this.#options);
    this.#session = session;
    const connection = await session.open();
    const [row] = await connection.query<{ bytes: number }[]>('SELECT @@max_allowed_packet AS bytes');
    this.#packetBytesMax = Number(row?.bytes);
    return connection;
  }

  async #prepare(connection: Connection): Promise<void> {
    const { name: store, database, table } = this.#options;
    let found = await foundTable(connection, database, table);
    if (found === undefined) {
      await this.#create(connection);
      found = await foundTable(connection, database, table);
    }
    if (found !== undefined) checkTable({ store, database, table }, found);
    // Writes nothing, and needs every grant that a write needs.
    await connection.query(`INSERT INTO ${this.#table} (${COLUMN_NAMES})
      SELECT ${COLUMN_NAMES} FROM ${this.#table} WHERE FALSE ${onDuplicate(this.#table)}`);
  }

  async #create(connection: Connection): Promise<void> {
    const { database, table } = this.#options;
    const [there] = await connection.query<unknown[]>(
      'SELECT 1 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ?',
      [database],
    );
    if (there === undefined) await connection.query(`CREATE DATABASE IF NOT EXISTS ${quotedName(database)}`);
    await connection.query(createTable(database, table));
  }

  async #insertAll(connection: Connection, records: readonly StoreRecord[]): Promise<readonly RefusedRecord[]> {
    const refused: RefusedRecord[] = [];
    const room = Math.min(this.#packetBytesMax - PACKET_SLACK, STATEMENT_BYTES_MAX) - this.#statement('').length;
    let rows: Row[] = [];
    let bytes = 0;
    for (const [index, record] of records.entries()) {
      const row = rowWithin(connection, record, room);
      if ('reason' in row) {
        refused.push({ index, reason: row.reason });
        continue;
      }
      if (bytes + row.bytes > room) {
        await this.#insert(connection, rows, refused);
        [rows, bytes] = [[], 0];
      }
      rows.push({ ...row, index });
      bytes += row.bytes;
    }
    await this.#insert(connection, rows, refused);
    return refused.sort((a, b) => a.index - b.index);
  }

  /** Halves what is refused until each row that is stands alone: a statement is taken as a whole, or nothing of it. */
  async #insert(connection: Connection, rows: readonly Row[], refused: RefusedRecord[]): Promise<void> {
    const [first] = rows;
    if (first === undefined) return;
    try {
      await connection.query(this.#statement(rows.map(({ text }) => text).join(',')));
    } catch (error) {
      if (!isAboutRows(error)) throw error;
      if (rows.length === 1) {
        refused.push({ index: first.index, reason: reasonOf(error) });
        return;
      }
      const half = rows.length >>> 1;
      await this.#insert(connection, rows.slice(0, half), refused);
      await this.#insert(connection, rows.slice(half), refused);
    }
  }

  #statement(rows: string): string {
    return `INSERT INTO ${this.#table} (${COLUMN_NAMES}) VALUES ${rows} ${onDuplicate(this.#table)}`;
  }

  #openFailure(error: unknown): MooringError {
    const context = { ...this.#context(), reason: reasonOf(error) };
    if (isRefused(error))
      return new MooringError('SINK_UNFIT', 'MariaDB does not let this user in, or not at what it needs', {
        ...{ cause: error, context, hint: hintOn(error, this.#origin) },
      });
    return this.#failure(error, 'MariaDB is out of reach');
  }

  #failure(error: unknown, sentence: string): MooringError {
    if (error instanceof MooringError) return error;
    return new MooringError('SINK_FAILED', sentence, {
      cause: error,
      context: { ...this.#context(), reason: reasonOf(error) },
      hint: hintOn(error, this.#origin),
    });
  }

  #context(): Readonly<Record<string, string>> {
    return { store: this.name, server: this.#origin, database: this.#options.database, table: this.#options.table };
  }

  get #origin(): string {
    const { host, port = 3306 } = this.#options;
    return `${host}:${port}`;
  }
}

/** The row of a record, with the comma that follows it, or why it can be none. */
function rowWithin(
  connection: Connection,
  record: StoreRecord,
  bytesMax: number,
): Omit<Row, 'index'> | Omit<RefusedRecord, 'index'> {
  try {
    const text = rowOf(record, (value) => connection.escape(value));
    const bytes = Buffer.byteLength(text) + 1;
    if (bytes > bytesMax) return { reason: `it takes ${bytes} bytes, and max_allowed_packet leaves ${bytesMax}` };
    return { text, bytes };
  } catch (error) {
    if (!(error instanceof Unwritable)) throw error;
    return { reason: error.message };
  }
}

/** Not IGNORE, which swallows what is wrong with a row as well. */
function onDuplicate(table: string): string {
  return `ON DUPLICATE KEY UPDATE id = ${table}.id`;
}
