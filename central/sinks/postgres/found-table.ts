import type { Client } from 'pg';
import type { FoundColumn, FoundIndex, FoundTable } from './table.ts';

interface TableRow {
  readonly oid: number;
  readonly partitioning: string | null;
  readonly default_partition: string | null;
  readonly is_owned: boolean;
}

/** A table as it stands there; undefined where nothing has its name. */
export async function foundTable(client: Client, schema: string, table: string): Promise<FoundTable | undefined> {
  const { rows } = await client.query<TableRow>(
    `SELECT c.oid::int8::float8 AS oid, pg_catalog.pg_get_partkeydef(c.oid) AS partitioning, d.relname AS default_partition,
       pg_catalog.pg_has_role(c.relowner, 'USAGE') AS is_owned
     FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
       LEFT JOIN pg_catalog.pg_partitioned_table p ON p.partrelid = c.oid
       LEFT JOIN pg_catalog.pg_class d ON d.oid = p.partdefid
     WHERE n.nspname = $1 AND c.relname = $2`,
    [schema, table],
  );
  const [there] = rows;
  if (there === undefined) return undefined;
  const columns = await client.query<FoundColumn>(
    `SELECT attname AS name, pg_catalog.format_type(atttypid, atttypmod) AS type, NOT attnotnull AS "isNullable",
       atthasdef OR attidentity <> '' OR attgenerated <> '' AS "hasDefault"
     FROM pg_catalog.pg_attribute WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped`,
    [there.oid],
  );
  const uniques = await client.query<FoundIndex>(
    `SELECT c.relname AS name, i.indisprimary AS "isPrimary", ARRAY(
         SELECT a.attname::text FROM pg_catalog.unnest(i.indkey) AS k (number)
         JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number) AS columns
     FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
     WHERE i.indrelid = $1 AND i.indisunique`,
    [there.oid],
  );
  return {
    partitioning: there.partitioning ?? undefined,
    defaultPartition: there.default_partition ?? undefined,
    isOwned: there.is_owned,
    columns: columns.rows,
    uniques: uniques.rows,
  };
}
