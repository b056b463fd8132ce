import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { types } from 'cassandra-driver';
import { CassandraStore } from '../../central/sinks/cassandra/cassandra-store.ts';
import { clientOf } from '../../central/sinks/cassandra/client.ts';
import { ROW_COLUMNS, rowOf } from '../../central/sinks/cassandra/row.ts';
import type { StoreRecord } from '../../central/sinks/remote/remote-store.ts';
import { systemClock } from '../../runtime/clock.ts';
import { ADMIN, Cassandra } from '../../test/engines/cassandra.ts';
import type { SinkBench } from './sink-bench.ts';

/** As the sink has it. */
const CONCURRENCY = 8;
const ROWS_MAX = 50;
const DEADLINE_MS = 60_000;
const METRICS = ROW_COLUMNS.slice(13, 22);

export const cassandra: SinkBench = {
  name: 'cassandra',
  batches: [250, 500, 1000],
  records: 4000,
  turns: 3,
  async open(folder) {
    const server = await Cassandra.start();
    const passwordFile = join(folder, 'password');
    writeFileSync(passwordFile, `${ADMIN.password}\n`);
    const place = { hosts: [`127.0.0.1:${server.port}`], datacenter: 'datacenter1', deadlineMs: DEADLINE_MS };
    const login = { ...place, user: ADMIN.user, passwordFile, caFile: server.ca };
    const [store, hand] = ['ours', 'hand'].map(
      (table) => new CassandraStore({ ...login, name: table, keyspace: 'bench', table, clock: systemClock }),
    ) as [CassandraStore, CassandraStore];
    for (const each of [store, hand]) await each.open(new AbortController().signal);
    await hand.close();
    const client = await clientOf(login);
    await client.connect();
    let isChecked = false;
    const columns = ROW_COLUMNS.map((name) => `"${name}"`).join(', ');
    const marks = ROW_COLUMNS.map(() => '?').join(', ');
    const query = `INSERT INTO bench.hand (${columns}) VALUES (${marks}) USING TIMESTAMP ?`;
    return {
      write: (records) => store.write(records),
      async writeByHand(records) {
        const rows = records.map((record) => ({ query, params: handValuesOf(record) }));
        if (!isChecked) assert.deepEqual(rows[0]?.params, rowOf(records[0] as StoreRecord, undefined).values);
        isChecked = true;
        const batches = Array.from({ length: Math.ceil(rows.length / ROWS_MAX) }, (_, at) =>
          rows.slice(at * ROWS_MAX, (at + 1) * ROWS_MAX),
        ).values();
        const work = async (): Promise<void> => {
          for (const batch of batches) await client.batch(batch, { prepare: true, logged: false });
        };
        await Promise.all(Array.from({ length: CONCURRENCY }, work));
      },
      async close() {
        await Promise.all([store.close(), client.shutdown()]);
        await server.stop();
      },
    };
  },
};

function handValuesOf({ flat, place }: StoreRecord): unknown[] {
  const received = new Date(flat.received_at ?? '');
  return [
    ...[flat.gateway, flat.station, flat.timestamp.slice(0, 10), new Date(flat.timestamp)],
    ...[types.Uuid.fromString(flat.id), flat.kind, flat.clock, place?.run, types.Long.fromNumber(place?.sequence ?? 0)],
    ...[received, undefined, undefined, undefined],
    ...METRICS.map((name) => flat[name]),
    // No flag says that a value is an outlier.
    ...METRICS.map((name) => (flat[name] === undefined ? undefined : false)),
    ...[undefined, undefined, undefined],
    types.Long.fromNumber(received.getTime()).multiply(1000),
  ];
}
