import type { Client } from 'cassandra-driver';
import { MooringError } from '../../../runtime/errors.ts';
import { checkTable, createRunIndex, createTable, type FoundColumn, quotedName, type TablePlace } from './table.ts';

export interface SchemaOptions extends TablePlace {
  readonly datacenter: string;
  /** Copies in the datacenter, of a keyspace that is made here; 1 when left out. */
  readonly replication?: number;
  /** How long a row lives, in seconds; as the table has it when left out, and for ever where it is made here. */
  readonly ttlSeconds?: number;
  /** An index on `run`, which Cassandra has from 5.0 on; true when left out. */
  readonly runIndex?: boolean;
  /** Of what changes the schema, which all servers have to agree on: longer than a write may take of one of them. */
  readonly deadlineMs: number;
}

/** Cassandra takes no more. */
const TTL_SECONDS_MAX = 20 * 365 * 86_400;
const SAI_VERSION = 5;

/** Makes the keyspace, the table and its index where they are not there, and checks the table. Throws `SINK_UNFIT`. */
export async function prepareTable(client: Client, store: string, options: SchemaOptions): Promise<void> {
  const { keyspace, table, ttlSeconds, runIndex = true } = options;
  if (ttlSeconds !== undefined && ttlSeconds > TTL_SECONDS_MAX)
    throw new MooringError('SINK_UNFIT', 'Cassandra keeps no row for as long as that by a time to live', {
      context: { store, ttlSeconds },
      hint: 'Leave `ttl` out to keep rows for ever; it takes 20 years at most.',
    });
  let found = await foundTable(client, options);
  if (found === undefined) {
    await create(client, options);
    found = await foundTable(client, options);
  }
  const { columns = [], ttl = 0 } = found ?? {};
  checkTable(store, { keyspace, table }, columns, { wanted: ttlSeconds, found: ttl });
  if (!runIndex || (await hasRunIndex(client, options))) return;
  await checkVersion(client, store);
  await change(client, createRunIndex(options), options);
}

interface FoundTable {
  readonly columns: readonly FoundColumn[];
  /** In seconds; 0: rows live for ever. */
  readonly ttl: number;
}

async function foundTable(client: Client, { keyspace, table }: TablePlace): Promise<FoundTable | undefined> {
  const ask = (columns: string, from: string) =>
    client.execute(
      `SELECT ${columns} FROM system_schema.${from} WHERE keyspace_name = ? AND table_name = ?`,
      [keyspace, table],
      { prepare: true },
    );
  const there = (await ask('default_time_to_live', 'tables')).first();
  if (there === null) return undefined;
  const { rows } = await ask('column_name, type, kind, position', 'columns');
  return { columns: rows as unknown as FoundColumn[], ttl: Number(there.default_time_to_live) };
}

async function create(client: Client, options: SchemaOptions): Promise<void> {
  const { keyspace, datacenter, replication = 1, ttlSeconds = 0 } = options;
  const there = await client.execute(
    'SELECT keyspace_name FROM system_schema.keyspaces WHERE keyspace_name = ?',
    [keyspace],
    { prepare: true },
  );
  if (there.first() === null) {
    const copies = `{'class': 'NetworkTopologyStrategy', '${datacenter.replaceAll("'", "''")}': ${replication}}`;
    await change(client, `CREATE KEYSPACE IF NOT EXISTS ${quotedName(keyspace)} WITH replication = ${copies}`, options);
  }
  await change(client, createTable(options, ttlSeconds), options);
}

async function change(client: Client, statement: string, { deadlineMs }: SchemaOptions): Promise<void> {
  await client.execute(statement, [], { readTimeout: deadlineMs });
}

async function hasRunIndex(client: Client, { keyspace, table }: TablePlace): Promise<boolean> {
  const { rows } = await client.execute(
    'SELECT options FROM system_schema.indexes WHERE keyspace_name = ? AND table_name = ?',
    [keyspace, table],
    { prepare: true },
  );
  return rows.some((row) => (row.options as Readonly<Record<string, string>>).target === 'run');
}

async function checkVersion(client: Client, store: string): Promise<void> {
  const version = String((await client.execute('SELECT release_version FROM system.local')).first().release_version);
  if (Number.parseInt(version, 10) >= SAI_VERSION) return;
  throw new MooringError('SINK_UNFIT', 'this Cassandra has no index that could say what is there of a run', {
    context: { store, version },
    hint: 'It takes 5.0 or later. With `run_index: false` there is none, and the question reads the whole table.',
  });
}
