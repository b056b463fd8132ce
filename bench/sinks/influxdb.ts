import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { InfluxdbStore } from '../../central/sinks/influxdb/influxdb-store.ts';
import { lineOf } from '../../central/sinks/influxdb/line.ts';
import type { StoreRecord } from '../../central/sinks/remote/remote-store.ts';
import { systemClock } from '../../runtime/clock.ts';
import { Influx } from '../../test/engines/influx.ts';
import { HttpByHand } from './http-by-hand.ts';
import type { SinkBench } from './sink-bench.ts';

const LINES = { measurement: 'records', tags: [] };

export const influxdb: SinkBench = {
  name: 'influxdb',
  batches: [1000, 2500, 5000],
  records: 10_000,
  turns: 5,
  async open() {
    const influx = await Influx.start();
    const { url } = influx;
    const [store, hand] = ['ours', 'hand'].map(
      (database) =>
        new InfluxdbStore({ ...LINES, name: database, url, place: { api: 'v1', database }, clock: systemClock }),
    ) as [InfluxdbStore, InfluxdbStore];
    for (const each of [store, hand]) await each.open(new AbortController().signal);
    await hand.close();
    const http = new HttpByHand(url);
    let isChecked = false;
    return {
      write: (records) => store.write(records),
      async writeByHand(records) {
        const start = digestOf(records[0]?.place?.run ?? '');
        const body = records.map((record) => handLineOf(record, start)).join('\n');
        if (!isChecked) assert.equal(body, records.map((record) => lineOf(record, LINES)).join('\n'));
        isChecked = true;
        await http.send('POST', '/write?db=hand&precision=ns', 'text/plain', body);
      },
      async close() {
        await Promise.all([store.close(), http.close()]);
        await influx.stop();
      },
    };
  },
};

function handLineOf({ flat, place }: StoreRecord, start: number): string {
  const { id, gateway, station, kind: _kind, timestamp, clock, received_at, flags: _flags, ...metrics } = flat;
  const fields = Object.entries(metrics).map(([name, value]) => `${name}=${value}`);
  const sequence = place?.sequence ?? 0;
  const below = String((start + sequence) % 1_000_000).padStart(6, '0');
  const own = `id="${id}",run="${place?.run}",sequence=${sequence}i,received_at=${Date.parse(received_at ?? '')}i`;
  return `records,gateway=${gateway},station=${station} ${own},clock="${clock}",${fields.join(',')} ${Date.parse(timestamp)}${below}`;
}

function digestOf(run: string): number {
  return createHash('sha256').update(run).digest().readUIntBE(0, 3) >>> 4;
}
