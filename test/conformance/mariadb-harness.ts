/** MariaDB under the suite of stores that run elsewhere. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createConnection } from 'mariadb';
import type { FlatRecord } from '../../central/recordlog/recordlog.ts';
import { MariadbStore, type MariadbStoreOptions } from '../../central/sinks/mariadb/mariadb-store.ts';
import { missingQuery } from '../../central/sinks/mariadb/missing.ts';
import { METRIC_COLUMNS } from '../../central/sinks/remote/metric-columns.ts';
import type { JsonValue } from '../../protocol/record.ts';
import { systemClock } from '../../runtime/clock.ts';
import { engineOf } from '../engines/local-server.ts';
import { ADMIN, Mariadb } from '../engines/mariadb.ts';
import { flatOf, runOf, span } from './entries.ts';
import type { RemoteHarness } from './remote-store.ts';

export interface Place {
  readonly port: number;
  readonly database: string;
  readonly passwordFile: string;
}

export const TABLE = 'records';
/** The suite waits for it, and a busy machine takes a quarter of it for a large write. */
const DEADLINE_MS = 10_000;
/** Flags: a server's defaults as unlike what the sink wants as may be. */
export const OTHER_DEFAULTS = [
  '--character-set-server=latin1',
  '--sql-mode=NO_BACKSLASH_ESCAPES,ANSI_QUOTES',
  '--default-time-zone=+05:30',
  '--skip-character-set-client-handshake',
];

export const harness: RemoteHarness = {
  async start() {
    const mariadb = await Mariadb.start({ flags: OTHER_DEFAULTS });
    const { port, folder } = mariadb;
    const passwordFile = join(folder, 'password');
    writeFileSync(passwordFile, `${ADMIN.password}\n`, { mode: 0o600 });
    return engineOf(mariadb, (number): Place => ({ port, database: `place \`${number}`, passwordFile }));
  },
  make: (place) => storeAt(placeOf(place)),
  read: async (place) => (await query<Row>(place, `SELECT * FROM ${tableOf(place)}`)).map(recordOf),
  async remove(place, ids) {
    await query(place, `DELETE FROM ${tableOf(place)} WHERE id IN (?)`, [ids]);
  },
  async missing(place, run) {
    const { database } = placeOf(place);
    const rows = await query<{ first: number; last: number }>(place, missingQuery(database, TABLE), [run]);
    return rows.flatMap(({ first, last }) => span(first, last));
  },
  async makeUnfit(place) {
    await query(place, `CREATE DATABASE \`${placeOf(place).database.replaceAll('`', '``')}\``);
    await query(place, `CREATE TABLE ${tableOf(place)} (id INT PRIMARY KEY, temperature FLOAT)`);
  },
  poison: [
    { ...flatOf(runOf(1), 1000), id: `${'0'.repeat(36)}1` },
    { ...flatOf(runOf(1), 1001), station: 's'.repeat(64) },
    { ...flatOf(runOf(1), 1002), timestamp: '2026-02-30T00:00:00.000Z' },
    { ...flatOf(runOf(1), 1003), timestamp: '2026-02-03 04:05' },
    { ...flatOf(runOf(1), 1004), gateway: 'λιμάνι' },
  ],
};

export function placeOf(place: string): Place {
  return JSON.parse(place) as Place;
}

export function storeAt(
  { port, database, passwordFile }: Place,
  options: Partial<MariadbStoreOptions> = {},
): MariadbStore {
  return new MariadbStore({
    ...{ name: 'sql', host: '127.0.0.1', port, user: ADMIN.user, passwordFile, database, table: TABLE },
    ...{ deadlineMs: DEADLINE_MS, clock: systemClock },
    ...options,
  });
}

export function tableOf(place: string): string {
  return `\`${placeOf(place).database.replaceAll('`', '``')}\`.${TABLE}`;
}

/** What an administrator asks. */
export async function query<T>(place: string, sql: string, values: readonly unknown[] = []): Promise<T[]> {
  const connection = await createConnection({
    ...{ host: '127.0.0.1', port: placeOf(place).port, user: ADMIN.user, password: ADMIN.password },
    ...{
      connectTimeout: 5000,
      dateStrings: true,
      autoJsonMap: false,
      bigIntAsNumber: true,
      initSql: 'SET NAMES utf8mb4',
    },
  });
  try {
    return await connection.query<T[]>(sql, values);
  } finally {
    await connection.end();
  }
}

interface Row {
  readonly time: string;
  readonly received_at: string | null;
  readonly metrics: string | null;
  readonly [column: string]: JsonValue;
}

const JSON_COLUMNS = ['location', 'flags', 'info'];
const SAME = ['id', 'gateway', 'station', 'kind', 'clock', ...METRIC_COLUMNS];

/** The flat record that a row was. */
export function recordOf(row: Row): FlatRecord {
  const flat: Record<string, JsonValue> = { timestamp: isoOf(row.time) };
  for (const name of SAME) if (row[name] !== null) flat[name] = row[name] as JsonValue;
  for (const name of JSON_COLUMNS) if (row[name] !== null) flat[name] = JSON.parse(row[name] as string) as JsonValue;
  if (row.received_at !== null) flat.received_at = isoOf(row.received_at);
  if (row.metrics !== null) Object.assign(flat, JSON.parse(row.metrics));
  return flat as unknown as FlatRecord;
}

function isoOf(dateTime: string): string {
  return `${dateTime.replace(' ', 'T')}Z`;
}
