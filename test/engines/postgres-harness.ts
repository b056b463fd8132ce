/** PostgreSQL under the suite of stores that run elsewhere. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, type QueryResultRow } from 'pg';
import type { FlatRecord } from '../../central/recordlog/recordlog.ts';
import { missingQuery } from '../../central/sinks/postgres/missing.ts';
import { PostgresStore, type PostgresStoreOptions } from '../../central/sinks/postgres/postgres-store.ts';
import { systemClock } from '../../runtime/clock.ts';
import { flatOf, runOf, span } from '../conformance/entries.ts';
import type { RemoteHarness } from '../conformance/remote-store.ts';
import { engineOf } from './local-server.ts';
import { ADMIN, Postgres } from './postgres.ts';

export interface Place {
  readonly port: number;
  readonly schema: string;
  readonly passwordFile: string;
}

export const DATABASE = 'mooring';
export const TABLE = 'records';
/** The suite waits for it, and a busy machine takes a quarter of it for a large write. */
const DEADLINE_MS = 10_000;
/** Of a server: defaults as unlike what the sink wants as may be. */
export const OTHER_DEFAULTS = [
  'timezone=Asia/Kolkata',
  'datestyle=German',
  'standard_conforming_strings=off',
  'synchronous_commit=off',
  'default_transaction_isolation=serializable',
  'extra_float_digits=-3',
];

export const harness: RemoteHarness = {
  async start() {
    const postgres = await Postgres.start({ settings: OTHER_DEFAULTS });
    const passwordFile = await makeDatabase(postgres);
    return engineOf(postgres, (number): Place => ({ port: postgres.port, schema: `place "${number}`, passwordFile }));
  },
  make: (place) => storeAt(placeOf(place)),
  read: async (place) =>
    (
      await query<{ json: string }>(place, `SELECT coalesce(exact::text, record::text) AS json FROM ${tableOf(place)}`)
    ).map(({ json }) => JSON.parse(json) as FlatRecord),
  async remove(place, ids) {
    await query(place, `DELETE FROM ${tableOf(place)} WHERE id = ANY ($1)`, [ids]);
  },
  async missing(place, run) {
    const { schema } = placeOf(place);
    const rows = await query<{ first: string; last: string }>(place, missingQuery(schema, TABLE), [run]);
    return rows.flatMap(({ first, last }) => span(Number(first), Number(last)));
  },
  partitions: async (place) =>
    (await query(place, `SELECT FROM pg_inherits WHERE inhparent = $1::regclass`, [tableOf(place)])).length,
  async makeUnfit(place) {
    await query(place, `CREATE SCHEMA ${schemaOf(place)}`);
    await query(place, `CREATE TABLE ${tableOf(place)} (id int PRIMARY KEY, temperature real)`);
  },
  poison: [
    { ...flatOf(runOf(1), 1000), id: `${'0'.repeat(36)}1` },
    { ...flatOf(runOf(1), 1001), timestamp: '2026-02-30T00:00:00.000Z' },
    { ...flatOf(runOf(1), 1002), timestamp: '2026-02-03 04:05' },
    // What no text of PostgreSQL holds; the server says so.
    { ...flatOf(runOf(1), 1003), gateway: 'pla\0ka' },
    { ...flatOf(runOf(1), 1004), station: '\0' },
  ],
};

/** The database, and the name of a file with the administrator's password. */
export async function makeDatabase({ port, folder }: Postgres): Promise<string> {
  const passwordFile = join(folder, 'password');
  writeFileSync(passwordFile, `${ADMIN.password}\n`);
  await queryAt(port, 'postgres', `CREATE DATABASE ${DATABASE}`);
  return passwordFile;
}

export function placeOf(place: string): Place {
  return JSON.parse(place) as Place;
}

export function storeAt(
  { port, schema, passwordFile }: Place,
  options: Partial<PostgresStoreOptions> = {},
): PostgresStore {
  return new PostgresStore({
    ...{
      name: 'sql',
      host: '127.0.0.1',
      port,
      user: ADMIN.user,
      passwordFile,
      database: DATABASE,
      schema,
      table: TABLE,
    },
    ...{ period: 'day', deadlineMs: DEADLINE_MS, clock: systemClock },
    ...options,
  });
}

export function tableOf(place: string): string {
  return `${schemaOf(place)}.${TABLE}`;
}

function schemaOf(place: string): string {
  return `"${placeOf(place).schema.replaceAll('"', '""')}"`;
}

/** What an administrator asks. */
export async function query<T extends QueryResultRow>(
  place: string,
  sql: string,
  values: readonly unknown[] = [],
): Promise<T[]> {
  return await queryAt<T>(placeOf(place).port, DATABASE, sql, values);
}

async function queryAt<T extends QueryResultRow>(
  port: number,
  database: string,
  sql: string,
  values: readonly unknown[] = [],
): Promise<T[]> {
  const client = new Client({ host: '127.0.0.1', port, database, ...ADMIN });
  // What ends it is told by the query.
  client.on('error', () => undefined);
  await client.connect();
  try {
    await client.query(`SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; SET extra_float_digits = 1`);
    return (await client.query<T>(sql, [...values])).rows;
  } finally {
    await client.end();
  }
}
