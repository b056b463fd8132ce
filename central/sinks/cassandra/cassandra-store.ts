import type { Client } from 'cassandra-driver';
import { type Clock, withDeadline } from '../../../runtime/clock.ts';
import { MooringError } from '../../../runtime/errors.ts';
import type { RefusedRecord, RemoteStore, StoreRecord } from '../remote/remote-store.ts';
import { Unwritable } from '../remote/unwritable.ts';
import { type ClientOptions, clientOf } from './client.ts';
import { isAboutTls, isInvalid, isMisnamed, isRefused, reasonOf } from './failure.ts';
import { batchesOf, type PlacedRow } from './partition-batches.ts';
import { prepareTable, type SchemaOptions } from './prepare-table.ts';
import { ROW_COLUMNS, rowOf } from './row.ts';
import { quotedName } from './table.ts';

export interface CassandraStoreOptions extends Omit<ClientOptions, 'deadlineMs'>, Omit<SchemaOptions, 'deadlineMs'> {
  readonly name: string;
  /** Of `open` and of each `write` as a whole, in milliseconds; 10,000 when left out. */
  readonly deadlineMs?: number;
  readonly clock: Clock;
}

const DEADLINE_MS = 10_000;
/** Batches under way at once. */
const CONCURRENCY = 8;
const SECOND_MS = 1000;
/** What no record is called, for a statement that changes nothing. */
const NOBODY = "gateway = '_mooring' AND station = '_mooring' AND day = '_mooring'";

/** Cassandra: a record is a row under its station, day, time and id, however often it comes. */
export class CassandraStore implements RemoteStore {
  readonly name: string;
  readonly #options: CassandraStoreOptions & ClientOptions;
  readonly #insert: string;
  readonly #probe: string;
  #client: Client | undefined;
  #lettingGo: Promise<void> = Promise.resolve();
  /** Ends what is under way. */
  #cut: ((reason: unknown) => void) | undefined;
  #isClosed = false;

  constructor(options: CassandraStoreOptions) {
    const { name, keyspace, table, deadlineMs = DEADLINE_MS } = options;
    this.name = name;
    this.#options = { ...options, deadlineMs };
    const columns = ROW_COLUMNS.map((column) => quotedName(column)).join(', ');
    const marks = ROW_COLUMNS.map(() => '?').join(', ');
    this.#insert = `INSERT INTO ${quotedName(keyspace, table)} (${columns}) VALUES (${marks}) USING TIMESTAMP ?`;
    this.#probe = `DELETE FROM ${quotedName(keyspace, table)} USING TIMESTAMP 1 WHERE ${NOBODY}`;
  }

  async open(signal: AbortSignal): Promise<void> {
    try {
      await this.#within(async (client) => {
        await prepareTable(client, this.name, this.#options);
        await this.#mustTake(client);
      }, signal);
    } catch (error) {
      if (signal.aborted && error === signal.reason) throw error;
      throw this.#openFailure(error);
    }
  }

  async write(records: readonly StoreRecord[]): Promise<readonly RefusedRecord[]> {
    const refused: RefusedRecord[] = [];
    const rows = this.#rowsOf(records, refused);
    if (rows.length > 0) {
      try {
        await this.#within((client) => this.#writeAll(client, rows, refused));
      } catch (error) {
        throw this.#failure(error, 'Cassandra does not take records');
      }
    }
    return refused.sort((a, b) => a.index - b.index);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cut?.(new MooringError('SINK_FAILED', 'the connection was let go', { context: this.#context() }));
    await Promise.all([this.#letGo(), this.#lettingGo]);
  }

  /** Work with a client that is connected, under one deadline. Whatever it fails of, the next has a new client. */
  async #within<T>(work: (client: Client) => Promise<T>, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted();
    if (this.#isClosed) throw new MooringError('SINK_FAILED', 'the store is closed', { context: this.#context() });
    const { clock, deadlineMs } = this.#options;
    const cut = Promise.withResolvers<never>();
    this.#cut = cut.reject;
    const context = { ...this.#context(), reason: `no answer within ${deadlineMs} ms` };
    const cancel = clock.after(deadlineMs, () =>
      cut.reject(new MooringError('DEADLINE', 'Cassandra does not answer', { context })),
    );
    const abort = (): void => cut.reject(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    try {
      return await Promise.race([cut.promise, this.#connected().then(work)]);
    } catch (error) {
      this.#lettingGo = this.#letGo();
      throw error;
    } finally {
      this.#cut = undefined;
      cancel();
      signal?.removeEventListener('abort', abort);
    }
  }

  async #connected(): Promise<Client> {
    if (this.#client !== undefined) return this.#client;
    const client = await clientOf(this.#options);
    this.#client = client;
    await client.connect();
    return client;
  }

  /** Does not wait for servers that may be hung. */
  async #letGo(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    if (client === undefined) return;
    const late = (): Error => new MooringError('DEADLINE', 'servers did not let go');
    // Nobody asks what becomes of a client that is given up.
    await withDeadline(this.#options.clock, SECOND_MS, client.shutdown(), late).catch(() => undefined);
  }

  #rowsOf(records: readonly StoreRecord[], refused: RefusedRecord[]): PlacedRow[] {
    const { ttlSeconds } = this.#options;
    const retentionMs = ttlSeconds === undefined ? undefined : ttlSeconds * SECOND_MS;
    const rows: PlacedRow[] = [];
    for (const [index, record] of records.entries()) {
      try {
        rows.push({ ...rowOf(record, retentionMs), index, bytes: Buffer.byteLength(record.json) });
      } catch (error) {
        if (!(error instanceof Unwritable)) throw error;
        refused.push({ index, reason: error.message });
      }
    }
    return rows;
  }

  async #writeAll(client: Client, rows: readonly PlacedRow[], refused: RefusedRecord[]): Promise<void> {
    const batches = batchesOf(rows).values();
    const work = async (): Promise<void> => {
      for (const batch of batches) await this.#writeBatch(client, batch, refused);
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, work));
  }

  /** Halves what is refused until each row that is stands alone. */
  async #writeBatch(client: Client, rows: readonly PlacedRow[], refused: RefusedRecord[]): Promise<void> {
    const [first, ...others] = rows;
    if (first === undefined) return;
    try {
      if (others.length === 0) await client.execute(this.#insert, [...first.values], { prepare: true });
      else await client.batch(this.#queriesOf(rows), { prepare: true, logged: false });
    } catch (error) {
      if (!isInvalid(error)) throw error;
      if (others.length === 0) {
        await this.#mustTake(client);
        refused.push({ index: first.index, reason: reasonOf(error) });
        return;
      }
      const half = rows.length >>> 1;
      await this.#writeBatch(client, rows.slice(0, half), refused);
      await this.#writeBatch(client, rows.slice(half), refused);
    }
  }

  #queriesOf(rows: readonly PlacedRow[]): { query: string; params: unknown[] }[] {
    return rows.map(({ values }) => ({ query: this.#insert, params: [...values] }));
  }

  /** The same error says that the table is gone or the disk full: throws where it takes nothing at all now. */
  async #mustTake(client: Client): Promise<void> {
    await client.execute(this.#probe);
  }

  #openFailure(error: unknown): MooringError {
    const context = { ...this.#context(), reason: reasonOf(error) };
    if (isRefused(error))
      return new MooringError('SINK_UNFIT', 'Cassandra does not let this user in, or not at what it needs', {
        ...{ cause: error, context },
        hint: 'Check the user, its password file and what it was granted; docs/stores/cassandra.md has it.',
      });
    if (isMisnamed(error))
      return new MooringError('SINK_UNFIT', 'no server of Cassandra is in that datacenter', {
        ...{ cause: error, context },
        hint: 'Name `datacenter` as the cluster does: `SELECT data_center FROM system.local`.',
      });
    return this.#failure(error, 'Cassandra is out of reach');
  }

  #failure(error: unknown, sentence: string): MooringError {
    if (error instanceof MooringError) return error;
    const servers = this.#options.hosts.join(', ');
    return new MooringError('SINK_FAILED', sentence, {
      cause: error,
      context: { ...this.#context(), reason: reasonOf(error) },
      hint: isAboutTls(error)
        ? 'See that `ca` is the authority of the certificates of the servers, and that these are for their addresses.'
        : `See that ${servers} can be reached from here, and what the log of Cassandra says.`,
    });
  }

  #context(): Readonly<Record<string, unknown>> {
    const { hosts, keyspace, table } = this.#options;
    return { store: this.name, hosts, keyspace, table };
  }
}
