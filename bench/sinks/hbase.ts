import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cellSetOf, rowText } from '../../central/sinks/hbase/cell-set.ts';
import { HbaseStore } from '../../central/sinks/hbase/hbase-store.ts';
import { familyOf, type HbaseLayout, rowOf } from '../../central/sinks/hbase/row.ts';
import type { StoreRecord } from '../../central/sinks/remote/remote-store.ts';
import { systemClock } from '../../runtime/clock.ts';
import { Hbase } from '../../test/engines/hbase.ts';
import { HttpByHand } from './http-by-hand.ts';
import type { SinkBench } from './sink-bench.ts';

const LAYOUT: HbaseLayout = { kind: 'records', salt: 16 };
const DEADLINE_MS = 60_000;

export const hbase: SinkBench = {
  name: 'hbase',
  batches: [250, 500, 1000],
  records: 4000,
  turns: 3,
  async open() {
    const server = await Hbase.start();
    const { url } = server;
    const [store, hand] = ['ours', 'hand'].map(
      (table) =>
        new HbaseStore({ name: table, url, table, layout: LAYOUT, deadlineMs: DEADLINE_MS, clock: systemClock }),
    ) as [HbaseStore, HbaseStore];
    for (const each of [store, hand]) await each.open(new AbortController().signal);
    await hand.close();
    const http = new HttpByHand(url);
    let isChecked = false;
    return {
      write: (records) => store.write(records),
      async writeByHand(records) {
        const body = `{"Row":[${records.map(handRowOf).join(',')}]}`;
        if (!isChecked)
          assert.equal(body, cellSetOf(records.map((record) => rowText(rowOf(record, LAYOUT), familyOf(LAYOUT)))));
        isChecked = true;
        await http.send('PUT', '/hand/rows', 'application/json', body);
      },
      async close() {
        await Promise.all([store.close(), http.close()]);
        await server.stop();
      },
    };
  },
};

const base64 = (text: string): string => Buffer.from(text).toString('base64');

function handRowOf({ flat, place }: StoreRecord): string {
  const timestamp = Date.parse(flat.timestamp);
  const cells = Object.entries({ ...flat, run: place?.run, sequence: place?.sequence }).map(([name, value]) => {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    return `{"column":"${base64(`d:${name}`)}","timestamp":${timestamp},"$":"${base64(text)}"}`;
  });
  const name = `${flat.gateway}/${flat.station}`;
  const salt = String(createHash('sha256').update(name).digest().readUInt32BE(0) % 16).padStart(2, '0');
  return `{"key":"${base64(`${salt}|${name}|${timestamp}|${flat.id}`)}","Cell":[${cells.join(',')}]}`;
}
