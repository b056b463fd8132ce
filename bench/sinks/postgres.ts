import assert from 'node:assert/strict';
import { Client } from 'pg';
import { PostgresStore } from '../../central/sinks/postgres/postgres-store.ts';
import { rowOf } from '../../central/sinks/postgres/row.ts';
import { COLUMNS } from '../../central/sinks/postgres/table.ts';
import type { StoreRecord } from '../../central/sinks/remote/remote-store.ts';
import { systemClock } from '../../runtime/clock.ts';
import { ADMIN, Postgres } from '../../test/engines/postgres.ts';
import { DATABASE, makeDatabase } from '../../test/engines/postgres-harness.ts';
import type { SinkBench } from './sink-bench.ts';

const HOST = '127.0.0.1';
const NAMES = COLUMNS.map(({ name }) => name);
const METRICS = NAMES.slice(9, -2);

export const postgres: SinkBench = {
  name: 'postgres',
  batches: [500, 1000, 2000],
  records: 4000,
  turns: 5,
  async open() {
    const server = await Postgres.start();
    const { port } = server;
    const passwordFile = await makeDatabase(server);
    const login = { host: HOST, port, user: ADMIN.user, passwordFile, database: DATABASE, clock: systemClock };
    const [store, hand] = ['ours', 'hand'].map(
      (table) => new PostgresStore({ ...login, name: table, schema: 'bench', table, period: 'month' }),
    ) as [PostgresStore, PostgresStore];
    for (const each of [store, hand]) await each.open(new AbortController().signal);
    const client = new Client({ host: HOST, port, database: DATABASE, ...ADMIN });
    await client.connect();
    const arrays = COLUMNS.map(({ type }, at) => `$${at + 1}::${type}[]`).join(',');
    const text = `INSERT INTO bench.hand SELECT * FROM unnest(${arrays}) ON CONFLICT DO NOTHING`;
    let isChecked = false;
    return {
      write: (records) => store.write(records),
      async writeByHand(records) {
        if (!isChecked) {
          // Its partition is made by the sink, too.
          await hand.write(records.slice(0, 1));
          assert.deepEqual(records.map(handRowOf), records.map(rowOf));
        }
        isChecked = true;
        const rows = records.map(handRowOf);
        await client.query({ name: 'hand', text, values: NAMES.map((_, at) => rows.map((row) => row[at])) });
      },
      async close() {
        await Promise.all([store.close(), hand.close(), client.end()]);
        await server.stop();
      },
    };
  },
};

function handRowOf({ flat, json, place }: StoreRecord): unknown[] {
  const { id, gateway, station, kind, timestamp, clock, received_at } = flat;
  const names = [id, gateway, station, kind, timestamp, clock, place?.run, place?.sequence, received_at];
  return [...names, ...METRICS.map((name) => flat[name] ?? null), json, null];
}
