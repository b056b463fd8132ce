import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Connection, createConnection } from 'mariadb';
import { MariadbStore } from '../../central/sinks/mariadb/mariadb-store.ts';
import { ROW_COLUMNS, rowOf } from '../../central/sinks/mariadb/row.ts';
import type { StoreRecord } from '../../central/sinks/remote/remote-store.ts';
import { systemClock } from '../../runtime/clock.ts';
import { ADMIN, Mariadb } from '../../test/engines/mariadb.ts';
import type { SinkBench } from './sink-bench.ts';

const HOST = '127.0.0.1';

export const mariadb: SinkBench = {
  name: 'mariadb',
  batches: [500, 1000, 2000],
  records: 4000,
  turns: 5,
  async open(folder) {
    const server = await Mariadb.start();
    const { port } = server;
    const passwordFile = join(folder, 'password');
    writeFileSync(passwordFile, `${ADMIN.password}\n`);
    const login = { host: HOST, port, user: ADMIN.user, passwordFile, clock: systemClock };
    const [store, hand] = ['ours', 'hand'].map(
      (table) => new MariadbStore({ ...login, name: table, database: 'bench', table }),
    ) as [MariadbStore, MariadbStore];
    for (const each of [store, hand]) await each.open(new AbortController().signal);
    await hand.close();
    const connection = await createConnection({
      ...{ host: HOST, port, ...ADMIN, database: 'bench', charset: 'utf8mb4' },
      initSql: `SET NAMES utf8mb4`,
    });
    let isChecked = false;
    const into = `INSERT INTO hand (${ROW_COLUMNS.map((name) => `\`${name}\``).join(',')}) VALUES`;
    return {
      write: (records) => store.write(records),
      async writeByHand(records) {
        const rows = records.map((record) => handRowOf(record, connection)).join(',');
        if (!isChecked)
          assert.equal(rows, records.map((each) => rowOf(each, (text) => connection.escape(text))).join());
        isChecked = true;
        await connection.query(`${into} ${rows} ON DUPLICATE KEY UPDATE id = hand.id`);
      },
      async close() {
        await Promise.all([store.close(), connection.end()]);
        await server.stop();
      },
    };
  },
};

const METRICS = ROW_COLUMNS.slice(12, -1);

function handRowOf({ flat, place }: StoreRecord, connection: Connection): string {
  const { id, gateway, station, kind, timestamp, clock, received_at = '' } = flat;
  const timeOf = (iso: string): string => iso.replace('T', ' ').slice(0, -1);
  const texts = [id, gateway, station, kind, timeOf(timestamp), clock ?? '', place?.run ?? ''];
  const first = texts.map((text) => connection.escape(text)).join(',');
  const metrics = METRICS.map((name) => (flat[name] === undefined ? 'NULL' : `${flat[name]}e0`)).join(',');
  return `(${first},${place?.sequence},${connection.escape(timeOf(received_at))},NULL,NULL,NULL,${metrics},NULL)`;
}
