import type { Client } from 'pg';
import { MooringError } from '../../../runtime/errors.ts';
import { eventDayOf } from '../remote/event-date.ts';
import type { RefusedRecord, StoreRecord } from '../remote/remote-store.ts';
import type { DroppingStore } from '../remote/retaining-store.ts';
import { Unwritable } from '../remote/unwritable.ts';
import { hintOn, isAboutRows, isRefused, reasonOf } from './failure.ts';
import { foundTable } from './found-table.ts';
import { type PartitionPeriod, Partitions } from './partitions.ts';
import { type Cell, isStamped, rowOf } from './row.ts';
import { PORT, Session, type SessionOptions } from './session.ts';
import { COLUMNS, checkTable, createTable, quotedName } from './table.ts';

export interface PostgresStoreOptions extends Omit<SessionOptions, 'deadlineMs'> {
  readonly name: string;
  readonly schema: string;
  readonly table: string;
  /** How long a partition goes on, by the time of the events. */
  readonly period: PartitionPeriod;
  /** How old events may be that have a partition by their date; for ever when left out. */
  readonly retentionMs?: number;
  /** Of `open` and of each `write` as a whole, in milliseconds; 10,000 when left out. */
  readonly deadlineMs?: number;
}

interface Row {
  readonly index: number;
  readonly cells: readonly Cell[];
  readonly bytes: number;
  readonly isStamped: boolean;
}

const DEADLINE_MS = 10_000;
/** Of one statement, in bytes: a longer one is no faster. */
const STATEMENT_BYTES_MAX = 8 * 2 ** 20;
const COLUMN_NAMES = COLUMNS.map(({ name }) => quotedName(name)).join(', ');
/** One array a column, so that the statement is the same for any number of rows. */
const ARRAYS = COLUMNS.map(({ type }, at) => `$${at + 1}::${type}[]`).join(', ');

/** PostgreSQL: a record is a row under its id, however often it comes, in a table with partitions by the time of the event. */
export class PostgresStore implements DroppingStore {
  readonly name: string;
  readonly #options: PostgresStoreOptions & SessionOptions;
  readonly #table: string;
  readonly #insert: string;
  readonly #partitions: Partitions;
  #session: Session | undefined;
  /** Ends what is under way. */
  readonly #cuts = new Set<(reason: unknown) => void>();
  #isClosed = false;

  constructor(options: PostgresStoreOptions) {
    this.name = options.name;
    this.#options = { ...options, deadlineMs: options.deadlineMs ?? DEADLINE_MS };
    this.#partitions = new Partitions(options);
    this.#table = quotedName(options.schema, options.table);
    this.#insert = `INSERT INTO ${this.#table} (${COLUMN_NAMES})
      SELECT * FROM unnest(${ARRAYS}) ON CONFLICT DO NOTHING`;
  }

  async open(signal: AbortSignal): Promise<void> {
    try {
      await this.#within((client) => this.#prepare(client), signal);
    } catch (error) {
      if (signal.aborted && error === signal.reason) throw error;
      throw this.#openFailure(error);
    }
  }

  async write(records: readonly StoreRecord[]): Promise<readonly RefusedRecord[]> {
    try {
      return await this.#within((client) => this.#insertAll(client, records));
    } catch (error) {
      throw this.#failure(error, 'PostgreSQL does not take records');
    }
  }

  /**
   * Drops the partitions whose every event was before `dayMs`, UTC milliseconds; their names, each also as it is gone. May be
   * called while a write is under way, and has a connection of its own. Throws `SINK_FAILED`.
   */
  async dropBefore(dayMs: number, onDropped?: (name: string) => void): Promise<readonly string[]> {
    const session = new Session(this.#options);
    try {
      return await this.#bounded(() =>
        session.open().then((client) => new Partitions(this.#options).dropBefore(client, dayMs, onDropped)),
      );
    } catch (error) {
      throw this.#failure(error, 'PostgreSQL does not drop what is old');
    } finally {
      session.destroy();
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const cut of this.#cuts)
      cut(new MooringError('SINK_FAILED', 'the connection was let go', { context: this.#context() }));
    await this.#session?.end();
    this.#session = undefined;
  }

  /** Work on a connection that is there, under one deadline. Whatever it fails of, the next has a new connection. */
  async #within<T>(work: (client: Client) => Promise<T>, signal?: AbortSignal): Promise<T> {
    try {
      return await this.#bounded(() => this.#connected().then(work), signal);
    } catch (error) {
      this.#session?.destroy();
      this.#session = undefined;
      throw error;
    }
  }

  async #bounded<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted();
    if (this.#isClosed) throw new MooringError('SINK_FAILED', 'the store is closed', { context: this.#context() });
    const { clock, deadlineMs } = this.#options;
    const cut = Promise.withResolvers<never>();
    this.#cuts.add(cut.reject);
    const reason = `no answer within ${deadlineMs} ms`;
    const late = (): Error =>
      new MooringError('DEADLINE', 'PostgreSQL does not answer', { context: { ...this.#context(), reason } });
    const cancel = clock.after(deadlineMs, () => cut.reject(late()));
    const abort = (): void => cut.reject(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    try {
      return await Promise.race([cut.promise, work()]);
    } finally {
      this.#cuts.delete(cut.reject);
      cancel();
      signal?.removeEventListener('abort', abort);
    }
  }

  async #connected(): Promise<Client> {
    const there = this.#session?.client;
    if (there !== undefined) return there;
    this.#session?.destroy();
    const session = new Session(this.#options);
    this.#session = session;
    return await session.open();
  }

  async #prepare(client: Client): Promise<void> {
    const { name: store, database, schema, table } = this.#options;
    const { rows } = await client.query<{ encoding: string }>(
      `SELECT pg_catalog.current_setting('server_encoding') AS encoding`,
    );
    const [{ encoding } = { encoding: '' }] = rows;
    if (encoding !== 'UTF8')
      throw new MooringError('SINK_UNFIT', 'a database of PostgreSQL cannot hold every text', {
        context: { ...this.#context(), encoding },
        hint: `${database} is in ${encoding}. Make one with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0.`,
      });
    let found = await foundTable(client, schema, table);
    if (found === undefined) {
      await this.#create(client);
      found = await foundTable(client, schema, table);
    }
    if (found !== undefined) checkTable({ store, schema, table }, found);
    // Writes nothing, and needs every right that a write needs.
    await client.query(`INSERT INTO ${this.#table} (${COLUMN_NAMES})
      SELECT ${COLUMN_NAMES} FROM ${this.#table} WHERE false ON CONFLICT DO NOTHING`);
    await this.#partitions.load(client);
  }

  async #create(client: Client): Promise<void> {
    const { schema, table } = this.#options;
    await client.query('BEGIN');
    // Two copies of a sink that start at once make it once.
    await client.query('SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtext($1))', [`mooring ${this.#table}`]);
    if ((await foundTable(client, schema, table)) === undefined) {
      const { rowCount } = await client.query('SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1', [schema]);
      if (rowCount === 0) await client.query(`CREATE SCHEMA ${quotedName(schema)}`);
      for (const statement of createTable(schema, table)) await client.query(statement);
    }
    await client.query('COMMIT');
  }

  async #insertAll(client: Client, records: readonly StoreRecord[]): Promise<readonly RefusedRecord[]> {
    const refused: RefusedRecord[] = [];
    const rows: Row[] = [];
    const days = new Set<string>();
    for (const [index, record] of records.entries()) {
      const row = rowWithin(record);
      if ('reason' in row) {
        refused.push({ index, reason: row.reason });
        continue;
      }
      rows.push({ ...row, index });
      days.add(eventDayOf(record.flat, this.#options.retentionMs));
    }
    await this.#partitions.ensure(client, days);
    for (const some of inStatements(await this.#without(client, rows))) await this.#insertSome(client, some, refused);
    return refused.sort((a, b) => a.index - b.index);
  }

  /**
   * Leaves out what is there under another time: a record whose time is that of its receipt comes again with a later one.
   * Of all others the time is a part of what the id was made of.
   */
  async #without(client: Client, rows: readonly Row[]): Promise<readonly Row[]> {
    const ids = rows.filter((row) => row.isStamped).map(({ cells: [id] }) => id);
    if (ids.length === 0) return rows;
    const there = await client.query<{ id: string }>(
      `SELECT id::text AS id FROM ${this.#table} WHERE id = ANY ($1::uuid[])`,
      [ids],
    );
    const seen = new Set<Cell | undefined>(there.rows.map(({ id }) => id));
    return rows.filter(({ isStamped: canBeAgain, cells: [id] }) => {
      if (!canBeAgain) return true;
      const isNew = !seen.has(id);
      seen.add(id);
      return isNew;
    });
  }

  /** Halves what is refused until each row that is stands alone: a statement is taken as a whole, or nothing of it. */
  async #insertSome(client: Client, rows: readonly Row[], refused: RefusedRecord[]): Promise<void> {
    const [first] = rows;
    if (first === undefined) return;
    try {
      const values = COLUMNS.map((_, at) => rows.map(({ cells }) => cells[at]));
      await client.query({ name: 'insert', text: this.#insert, values });
    } catch (error) {
      if (!isAboutRows(error)) throw error;
      if (rows.length === 1) {
        refused.push({ index: first.index, reason: reasonOf(error) });
        return;
      }
      const half = rows.length >>> 1;
      await this.#insertSome(client, rows.slice(0, half), refused);
      await this.#insertSome(client, rows.slice(half), refused);
    }
  }

  #openFailure(error: unknown): MooringError {
    if (!isRefused(error)) return this.#failure(error, 'PostgreSQL is out of reach');
    return new MooringError('SINK_UNFIT', 'PostgreSQL does not let this user in, or not at what it needs', {
      cause: error,
      context: { ...this.#context(), reason: reasonOf(error) },
      hint: hintOn(error, this.#origin),
    });
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
    const { database, schema, table } = this.#options;
    return { store: this.name, server: this.#origin, database, schema, table };
  }

  get #origin(): string {
    const { host, port = PORT } = this.#options;
    return `${host}:${port}`;
  }
}

/** The row of a record, or why it can be none. */
function rowWithin(record: StoreRecord): Omit<Row, 'index'> | Omit<RefusedRecord, 'index'> {
  try {
    const cells = rowOf(record);
    return { cells, bytes: Buffer.byteLength(record.json), isStamped: isStamped(record.flat) };
  } catch (error) {
    if (!(error instanceof Unwritable)) throw error;
    return { reason: error.message };
  }
}

function* inStatements(rows: readonly Row[]): Generator<readonly Row[]> {
  let some: Row[] = [];
  let bytes = 0;
  for (const row of rows) {
    if (bytes + row.bytes > STATEMENT_BYTES_MAX) {
      yield some;
      [some, bytes] = [[], 0];
    }
    some.push(row);
    bytes += row.bytes;
  }
  yield some;
}
