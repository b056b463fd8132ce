import { MooringError } from '../../../runtime/errors.ts';
import { METRIC_COLUMNS } from '../remote/metric-columns.ts';

export interface TablePlace {
  /** Of the sink, for errors. */
  readonly store: string;
  readonly database: string;
  readonly table: string;
}

/** What a table is made of, as `information_schema` has it. */
export interface FoundTable {
  readonly engine: string | null;
  readonly columns: readonly FoundColumn[];
  /** Columns of each unique index, by its name, in order. */
  readonly uniques: Readonly<Record<string, readonly string[]>>;
}

export interface FoundColumn {
  readonly name: string;
  readonly type: string;
  readonly isNullable: boolean;
  /** Undefined for what is no text. */
  readonly charset: string | undefined;
  /** Gets a value where none is given. */
  readonly hasDefault: boolean;
}

interface Column {
  readonly name: string;
  /** As the server tells it, without a display width. */
  readonly type: string;
  readonly ddl: string;
  readonly isNullable: boolean;
}

const ascii = (name: string, length: number, isNullable = false): Column => ({
  ...{ name, type: `varchar(${length})`, isNullable },
  ddl: `VARCHAR(${length}) CHARACTER SET ascii COLLATE ascii_bin`,
});
const json = (name: string): Column => ({ name, type: 'longtext', ddl: 'JSON', isNullable: true });
const plain = (name: string, type: string, isNullable: boolean): Column => ({
  ...{ name, type, isNullable },
  ddl: type.toUpperCase(),
});

const COLUMNS: readonly Column[] = [
  // Not UUID: MariaDB 10.11 takes one of 64 of version 8 for none, those whose ninth byte is 0x80.
  {
    ...{ name: 'id', type: 'char(36)', isNullable: false },
    ddl: 'CHAR(36) CHARACTER SET ascii COLLATE ascii_bin',
  },
  ascii('gateway', 63),
  ascii('station', 63),
  ascii('kind', 16),
  plain('time', 'datetime(3)', false),
  ascii('clock', 16),
  ascii('run', 23, true),
  plain('sequence', 'bigint', true),
  plain('received_at', 'datetime(3)', true),
  json('location'),
  json('flags'),
  json('info'),
  ...METRIC_COLUMNS.map((name) => plain(name, 'double', true)),
  json('metrics'),
];

/** A database and a table of it, or a name of either, as SQL has them. */
export function quotedName(...names: readonly string[]): string {
  return names.map((name) => `\`${name.replaceAll('`', '``')}\``).join('.');
}

/** The statement that makes the table where it is not there. */
export function createTable(database: string, table: string): string {
  const lines = COLUMNS.map(
    ({ name, ddl, isNullable }) => `${quotedName(name)} ${ddl}${isNullable ? '' : ' NOT'} NULL`,
  );
  return `CREATE TABLE IF NOT EXISTS ${quotedName(database, table)} (
  ${lines.join(',\n  ')},
  PRIMARY KEY (id),
  KEY run_sequence (run, sequence),
  KEY station_time (gateway, station, time)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin COMMENT='Records of Mooring'`;
}

/**
 * Throws `SINK_UNFIT` where a table would lose something of a record, take a record for another one, or take none. Further
 * columns and indices are the administrator's, as long as a record without them is taken.
 */
export function checkTable({ store, database, table }: TablePlace, found: FoundTable): void {
  const differences = [
    ...(found.engine === 'InnoDB' ? [] : [`its engine is ${found.engine ?? 'none, as it is a view'}, not InnoDB`]),
    ...COLUMNS.flatMap((column) => differenceOf(column, found.columns)),
    ...found.columns.flatMap(({ name, isNullable, hasDefault }) =>
      isNullable || hasDefault || COLUMNS.some((column) => column.name === name)
        ? []
        : [`its further column ${name} has to have a value`],
    ),
    ...(found.uniques.PRIMARY?.join() === 'id' ? [] : ['its primary key is not id alone']),
    ...Object.entries(found.uniques).flatMap(([name, columns]) =>
      columns.includes('id') ? [] : [`its unique index ${name} takes different records for one`],
    ),
  ];
  if (differences.length === 0) return;
  throw new MooringError('SINK_UNFIT', 'a table of MariaDB is not the one that records go into', {
    context: { store, database, table, differences },
    hint: `${database}.${table}: ${differences.join('; ')}. Name another \`table\`, or change this one as docs/stores/mariadb.md has it.`,
  });
}

function differenceOf(column: Column, columns: readonly FoundColumn[]): string[] {
  const found = columns.find(({ name }) => name === column.name);
  if (found === undefined) return [`it has no column ${column.name}`];
  const type = found.type.toLowerCase().replace(/int\(\d+\)/, 'int');
  if (type !== column.type) return [`its column ${column.name} is ${found.type}, not ${column.type}`];
  if (column.isNullable && !found.isNullable) return [`its column ${column.name} may not be NULL`];
  if (column.type === 'longtext' && found.charset !== 'utf8mb4')
    return [`its column ${column.name} is in ${found.charset}, not utf8mb4`];
  return [];
}
