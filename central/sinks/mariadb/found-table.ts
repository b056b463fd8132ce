import type { Connection } from 'mariadb';
import type { FoundTable } from './table.ts';

interface ColumnRow {
  readonly COLUMN_NAME: string;
  readonly COLUMN_TYPE: string;
  readonly IS_NULLABLE: string;
  readonly COLUMN_DEFAULT: string | null;
  readonly EXTRA: string;
  readonly IS_GENERATED: string;
  readonly CHARACTER_SET_NAME: string | null;
}

/** A table as it stands there; undefined where there is none that this user may see. */
export async function foundTable(
  connection: Connection,
  database: string,
  table: string,
): Promise<FoundTable | undefined> {
  const ask = <Row>(columns: string, from: string, more = ''): Promise<Row[]> =>
    connection.query<Row[]>(
      `SELECT ${columns} FROM information_schema.${from} WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? ${more}`,
      [database, table],
    );
  const [there] = await ask<{ ENGINE: string | null }>('ENGINE', 'TABLES');
  if (there === undefined) return undefined;
  const columns = await ask<ColumnRow>(
    'COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE, COLUMN_DEFAULT, EXTRA, IS_GENERATED, CHARACTER_SET_NAME',
    'COLUMNS',
  );
  const indices = await ask<{ INDEX_NAME: string; COLUMN_NAME: string }>(
    'INDEX_NAME, COLUMN_NAME',
    'STATISTICS',
    'AND NON_UNIQUE = 0 ORDER BY INDEX_NAME, SEQ_IN_INDEX',
  );
  const uniques: Record<string, string[]> = {};
  for (const { INDEX_NAME: name, COLUMN_NAME: column } of indices) uniques[name] = [...(uniques[name] ?? []), column];
  return {
    engine: there.ENGINE,
    columns: columns.map((row) => ({
      name: row.COLUMN_NAME,
      type: row.COLUMN_TYPE,
      isNullable: row.IS_NULLABLE === 'YES',
      charset: row.CHARACTER_SET_NAME ?? undefined,
      hasDefault: row.COLUMN_DEFAULT !== null || row.EXTRA.includes('auto_increment') || row.IS_GENERATED !== 'NEVER',
    })),
    uniques,
  };
}
