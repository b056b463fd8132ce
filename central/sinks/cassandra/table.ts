import { MooringError } from '../../../runtime/errors.ts';
import { METRIC_COLUMNS } from '../remote/metric-columns.ts';

export interface TablePlace {
  readonly keyspace: string;
  readonly table: string;
}

/** A column as `system_schema.columns` has it. */
export interface FoundColumn {
  readonly column_name: string;
  readonly type: string;
  readonly kind: string;
  readonly position: number;
}

const KEY = [
  { name: 'gateway', type: 'text', kind: 'partition_key', position: 0 },
  { name: 'station', type: 'text', kind: 'partition_key', position: 1 },
  { name: 'day', type: 'text', kind: 'partition_key', position: 2 },
  { name: 'timestamp', type: 'timestamp', kind: 'clustering', position: 0 },
  { name: 'id', type: 'uuid', kind: 'clustering', position: 1 },
] as const;

/** Frozen, so that a map that comes again is written over as one value, without a tombstone before it. */
const OTHERS: readonly (readonly [name: string, type: string])[] = [
  ['kind', 'text'],
  ['clock', 'text'],
  ['run', 'text'],
  ['sequence', 'bigint'],
  ['received_at', 'timestamp'],
  ['location', 'frozen<map<text, double>>'],
  ['flags', 'frozen<map<text, int>>'],
  ['info', 'text'],
  ...METRIC_COLUMNS.map((name) => [name, 'double'] as const),
  ...METRIC_COLUMNS.map((name) => [`${name}_outlier`, 'boolean'] as const),
  ['metrics', 'frozen<map<text, double>>'],
  ['texts', 'frozen<map<text, text>>'],
  ['booleans', 'frozen<map<text, boolean>>'],
];

const DAY_SECONDS = 86_400;
/** Of its time windows, a table has about so many while it is full. */
const WINDOWS = 30;

/** A name, or a name in a keyspace, as CQL has it: in the case in which it is written. */
export function quotedName(...names: readonly string[]): string {
  return names.map((name) => `"${name.replaceAll('"', '""')}"`).join('.');
}

/** The statement that makes the table where it is not there. Rows live for `ttlSeconds`, 0: for ever. */
export function createTable({ keyspace, table }: TablePlace, ttlSeconds: number): string {
  const columns = [...KEY.map(({ name, type }) => [name, type] as const), ...OTHERS];
  const days = Math.max(1, Math.ceil(ttlSeconds / DAY_SECONDS / WINDOWS));
  const windows = `{'class': 'TimeWindowCompactionStrategy', 'compaction_window_unit': 'DAYS', 'compaction_window_size': ${days}}`;
  return `CREATE TABLE IF NOT EXISTS ${quotedName(keyspace, table)} (
  ${columns.map(([name, type]) => `${quotedName(name)} ${type}`).join(',\n  ')},
  PRIMARY KEY ((gateway, station, day), timestamp, id)
) WITH CLUSTERING ORDER BY (timestamp DESC, id ASC)${
    ttlSeconds === 0 ? '' : ` AND default_time_to_live = ${ttlSeconds} AND compaction = ${windows}`
  }`;
}

/** The statement that makes the index on runs where it is not there: Cassandra 5's own kind. */
export function createRunIndex({ keyspace, table }: TablePlace): string {
  return `CREATE INDEX IF NOT EXISTS ${quotedName(`${table}_run`)} ON ${quotedName(keyspace, table)} (run) USING 'sai'`;
}

/**
 * Throws `SINK_UNFIT` where a table would lose something of a record or take one for another. Further columns are the
 * administrator's.
 */
export function checkTable(
  store: string,
  { keyspace, table }: TablePlace,
  found: readonly FoundColumn[],
  ttl: { readonly wanted: number | undefined; readonly found: number },
): void {
  const key = found.filter(({ kind }) => kind === 'partition_key' || kind === 'clustering');
  const differences = [
    ...KEY.flatMap(({ name, kind, position }) => {
      const column = key.find(({ column_name }) => column_name === name);
      return column?.kind === kind && column.position === position ? [] : [`${name} has another place in its key`];
    }),
    ...(key.length > KEY.length ? ['there is more in its key'] : []),
    ...[...KEY.map(({ name, type }) => [name, type] as const), ...OTHERS].flatMap(([name, type]) => {
      const column = found.find(({ column_name }) => column_name === name);
      if (column === undefined) return [`it has no column ${name}`];
      return column.type === type ? [] : [`its column ${name} is ${column.type}, not ${type}`];
    }),
    ...(ttl.wanted === undefined || ttl.wanted === ttl.found
      ? []
      : [`its rows live for ${ttl.found} s, not ${ttl.wanted} (default_time_to_live)`]),
  ];
  if (differences.length === 0) return;
  throw new MooringError('SINK_UNFIT', 'a table of Cassandra is not the one that records go into', {
    context: { store, keyspace, table, differences },
    hint: `${keyspace}.${table}: ${differences.join('; ')}. Name another \`table\`, or change this one as docs/stores/cassandra.md has it.`,
  });
}
