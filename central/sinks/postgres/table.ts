import { MooringError } from '../../../runtime/errors.ts';
import { METRIC_COLUMNS } from '../remote/metric-columns.ts';

export interface TablePlace {
  /** Of the sink, for errors. */
  readonly store: string;
  readonly schema: string;
  readonly table: string;
}

/** What a table is made of, as the catalogue has it. */
export interface FoundTable {
  /** `RANGE ("time")`; undefined for one without partitions, and for what is no table. */
  readonly partitioning: string | undefined;
  /** Where rows go that have no partition of their own; undefined where there is no such partition. */
  readonly defaultPartition: string | undefined;
  /** Whether this user has the rights of its owner, without which there is no new partition. */
  readonly isOwned: boolean;
  readonly columns: readonly FoundColumn[];
  readonly uniques: readonly FoundIndex[];
}

export interface FoundColumn {
  readonly name: string;
  readonly type: string;
  readonly isNullable: boolean;
  /** Gets a value where none is given. */
  readonly hasDefault: boolean;
}

export interface FoundIndex {
  readonly name: string;
  readonly isPrimary: boolean;
  readonly columns: readonly string[];
}

interface Column {
  readonly name: string;
  /** As the server tells it. */
  readonly type: string;
  readonly isNullable: boolean;
}

const TIME = 'timestamp(3) with time zone';
const needed = (name: string, type: string): Column => ({ name, type, isNullable: false });
const optional = (name: string, type: string): Column => ({ name, type, isNullable: true });

/** What is written, in the order of `rowOf`. */
export const COLUMNS: readonly Column[] = [
  needed('id', 'uuid'),
  needed('gateway', 'text'),
  needed('station', 'text'),
  needed('kind', 'text'),
  needed('time', TIME),
  needed('clock', 'text'),
  optional('run', 'text'),
  optional('sequence', 'bigint'),
  optional('received_at', TIME),
  ...METRIC_COLUMNS.map((name) => optional(name, 'double precision')),
  needed('record', 'jsonb'),
  optional('exact', 'json'),
];

/** What rows are told apart by: the second only as each partition has to keep the order of its own. */
const KEY: readonly string[] = ['id', 'time'];
const PARTITIONING = /^RANGE \("?time"?\)$/;

/** A schema and a table of it, or a name of either, as SQL has them. */
export function quotedName(...names: readonly string[]): string {
  return names.map((name) => `"${name.replaceAll('"', '""')}"`).join('.');
}

/** Name of the partition of rows whose date has none. */
export function undatedName(table: string): string {
  return `${table}_undated`;
}

/** The statements that make the table, with its partition for what has no date. */
export function createTable(schema: string, table: string): readonly string[] {
  const name = quotedName(schema, table);
  const lines = COLUMNS.map(({ name: column, type, isNullable }) => {
    return `  ${quotedName(column)} ${type}${isNullable ? '' : ' NOT NULL'}`;
  });
  return [
    `CREATE TABLE ${name} (\n${lines.join(',\n')},\n  PRIMARY KEY (id, "time")\n) PARTITION BY RANGE ("time")`,
    `CREATE INDEX ON ${name} (run, sequence) WHERE run IS NOT NULL`,
    `CREATE INDEX ON ${name} USING brin ("time")`,
    `COMMENT ON TABLE ${name} IS 'Records of Mooring'`,
    `CREATE TABLE ${quotedName(schema, undatedName(table))} PARTITION OF ${name} DEFAULT`,
  ];
}

/**
 * Throws `SINK_UNFIT` where a table would lose something of a record, take a record for another one, or take none. Further
 * columns and indices are the administrator's, as long as a record without them is taken.
 */
export function checkTable({ store, schema, table }: TablePlace, found: FoundTable): void {
  const primary = found.uniques.find(({ isPrimary }) => isPrimary)?.columns ?? [];
  const isKeyed = primary.toSorted().join() === KEY.toSorted().join();
  const differences = [
    ...(PARTITIONING.test(found.partitioning ?? '') ? [] : ['it has no partitions by range of time']),
    ...(found.defaultPartition === undatedName(table) ? [] : [`its default partition is not ${undatedName(table)}`]),
    ...(found.isOwned ? [] : ['this user does not own it, and can make no partition']),
    ...COLUMNS.flatMap((column) => differenceOf(column, found.columns)),
    ...found.columns.flatMap(({ name, isNullable, hasDefault }) =>
      isNullable || hasDefault || COLUMNS.some((column) => column.name === name)
        ? []
        : [`its further column ${name} has to have a value`],
    ),
    ...(isKeyed ? [] : ['its primary key is not id and time']),
    ...found.uniques.flatMap(({ name, columns }) =>
      columns.includes('id') ? [] : [`its unique index ${name} takes different records for one`],
    ),
  ];
  if (differences.length === 0) return;
  throw new MooringError('SINK_UNFIT', 'a table of PostgreSQL is not the one that records go into', {
    context: { store, schema, table, differences },
    hint: `${schema}.${table}: ${differences.join('; ')}. Name another \`table\`, or change this one as docs/stores/postgres.md has it.`,
  });
}

function differenceOf(column: Column, columns: readonly FoundColumn[]): string[] {
  const found = columns.find(({ name }) => name === column.name);
  if (found === undefined) return [`it has no column ${column.name}`];
  if (found.type !== column.type) return [`its column ${column.name} is ${found.type}, not ${column.type}`];
  if (column.isNullable && !found.isNullable) return [`its column ${column.name} may not be NULL`];
  return [];
}
