/** Cassandra under the suite of stores that run elsewhere. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, type types } from 'cassandra-driver';
import type { FlatRecord } from '../../central/recordlog/recordlog.ts';
import { CassandraStore, type CassandraStoreOptions } from '../../central/sinks/cassandra/cassandra-store.ts';
import { sequencesQuery } from '../../central/sinks/cassandra/missing.ts';
import { METRIC_COLUMNS } from '../../central/sinks/remote/metric-columns.ts';
import { missingSequences } from '../../central/sinks/remote/missing-sequences.ts';
import type { JsonValue } from '../../protocol/record.ts';
import { systemClock } from '../../runtime/clock.ts';
import { flatOf, runOf } from '../conformance/entries.ts';
import type { RemoteHarness } from '../conformance/remote-store.ts';
import { ADMIN, Cassandra } from './cassandra.ts';
import { engineOf } from './local-server.ts';

export interface Place {
  readonly port: number;
  readonly ca: string;
  readonly keyspace: string;
  readonly passwordFile: string;
}

export const TABLE = 'records';
export const DATACENTER = 'datacenter1';
/** Long enough for a machine that does much else. */
const DEADLINE_MS = 20_000;
const ASK_MS = 60_000;

export const harness: RemoteHarness = {
  async start() {
    const cassandra = await Cassandra.start();
    return engineOf(cassandra, (number) => placeFor(cassandra, `Place_${number}`));
  },
  make: (place) => storeAt(placeOf(place)),
  read: async (place) => (await ask(place, `SELECT * FROM ${tableOf(place)}`)).map(recordOf),
  async remove(place, ids) {
    for (const row of await ask(place, `SELECT * FROM ${tableOf(place)}`)) {
      if (!ids.includes(String(row.id))) continue;
      // Written when it was received, which may be later than this machine has it.
      const laterUs = (row.received_at as Date).getTime() * 1000 + 1;
      const key = [row.gateway, row.station, row.day, row.timestamp, row.id];
      await ask(
        place,
        `DELETE FROM ${tableOf(place)} USING TIMESTAMP ${laterUs}
          WHERE gateway = ? AND station = ? AND day = ? AND timestamp = ? AND id = ?`,
        key,
      );
    }
  },
  async missing(place, run) {
    const { keyspace } = placeOf(place);
    const rows = await ask(place, sequencesQuery({ keyspace, table: TABLE }), [run]);
    return missingSequences(rows.map(({ sequence }) => Number(sequence)));
  },
  partitions: async (place) =>
    (await ask(place, `SELECT DISTINCT gateway, station, day FROM ${tableOf(place)}`)).length,
  async makeUnfit(place) {
    const replication = `{'class': 'SimpleStrategy', 'replication_factor': 1}`;
    await ask(place, `CREATE KEYSPACE "${placeOf(place).keyspace}" WITH replication = ${replication}`);
    await ask(place, `CREATE TABLE ${tableOf(place)} (id int PRIMARY KEY, temperature float)`);
  },
  poison: [
    { ...flatOf(runOf(1), 1000), id: 'not a UUID' },
    // What has no bytes in UTF-8.
    { ...flatOf(runOf(1), 1001), x_note: 'half \ud83c' },
    { ...flatOf(runOf(1), 1002), timestamp: '2026-02-30T00:00:00.000Z' },
    { ...flatOf(runOf(1), 1003), x_list: [1, 2] },
    { ...flatOf(runOf(1), 1004), station: 's'.repeat(70_000) },
    // More than half a segment of its commit log; the server says so.
    { ...flatOf(runOf(1), 1005), info: { text: 'x'.repeat(5_000_000) } },
  ],
};

/** A keyspace of a server, whose password it writes into a file. */
export function placeFor({ port, ca, folder }: Cassandra, keyspace: string): Place {
  const passwordFile = join(folder, 'password');
  writeFileSync(passwordFile, `${ADMIN.password}\n`, { mode: 0o600 });
  return { port, ca, keyspace, passwordFile };
}

export function placeOf(place: string): Place {
  return JSON.parse(place) as Place;
}

export function storeAt(place: Place, options: Partial<CassandraStoreOptions> = {}): CassandraStore {
  const { port, ca, keyspace, passwordFile } = place;
  return new CassandraStore({
    ...{ name: 'city-cql', hosts: [`127.0.0.1:${port}`], datacenter: DATACENTER, keyspace, table: TABLE },
    ...{ user: ADMIN.user, passwordFile, caFile: ca, deadlineMs: DEADLINE_MS, clock: systemClock },
    ...options,
  });
}

export function tableOf(place: string): string {
  return `"${placeOf(place).keyspace}".${TABLE}`;
}

/** What an administrator asks: every row. */
export async function ask(place: string, cql: string, params: readonly unknown[] = []): Promise<types.Row[]> {
  const { port } = placeOf(place);
  const client = new Client({
    ...{ contactPoints: [`127.0.0.1:${port}`], localDataCenter: DATACENTER, protocolOptions: { port } },
    credentials: { username: ADMIN.user, password: ADMIN.password },
    sslOptions: { rejectUnauthorized: false },
    socketOptions: { readTimeout: ASK_MS, connectTimeout: ASK_MS },
  });
  try {
    const rows: types.Row[] = [];
    for await (const row of await client.execute(cql, [...params], { prepare: true })) rows.push(row);
    return rows;
  } finally {
    await client.shutdown();
  }
}

const SAME = ['gateway', 'station', 'kind', 'clock', ...METRIC_COLUMNS];

/** The flat record that a row was. */
export function recordOf(row: types.Row): FlatRecord {
  const flat: Record<string, JsonValue> = {
    id: String(row.id),
    timestamp: (row.timestamp as Date).toISOString(),
  };
  for (const name of SAME) if (row[name] !== null) flat[name] = row[name] as JsonValue;
  for (const name of ['location', 'flags']) if (row[name] !== null) flat[name] = { ...row[name] } as JsonValue;
  if (row.info !== null) flat.info = JSON.parse(row.info) as JsonValue;
  if (row.received_at !== null) flat.received_at = (row.received_at as Date).toISOString();
  return { ...flat, ...row.metrics, ...row.texts, ...row.booleans } as FlatRecord;
}
